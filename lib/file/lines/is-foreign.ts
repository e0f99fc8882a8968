/** Characters that occur nowhere in a JSON text. */
// eslint-disable-next-line no-control-regex -- they are what is looked for
const CONTROL = /[\0-\x08\x0b\x0c\x0e-\x1f]/;
const OBJECT = /^[ \t\r]*\{/;

/** Whether bytes, apart from zeros at their end, cannot be part of the journal's own lines. */
export function isForeign(bytes: Buffer, isFirst: boolean): boolean {
  let length = bytes.length;
  while (length > 0 && bytes[length - 1] === 0) length--;
  const text = bytes.toString('latin1', 0, length);
  return CONTROL.test(text) || (isFirst && !OBJECT.test(text));
}
