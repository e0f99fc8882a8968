import * as zlib from 'node:zlib';
import { CorruptEntryError } from '../../errors/corrupt-entry-error';

const KEY = 'crc32';
/** `,"crc32":"89abcdef"}` */
const LENGTH = 21;
const ENDING = /,"(.{5})":"(.{8})"( ?\})$/s;
const SUM = /^[0-9a-f]{8}$/;

/** Throws a TypeError if the platform has no checksums. */
export function assertChecksums(): void {
  if (typeof zlib.crc32 !== 'function')
    throw new TypeError(`\`checksum\` needs Node >= 20.15, this is ${process.version}`);
}

/** Adds the CRC-32 of its bytes to a line that is a JSON object, as a further key. */
export function withChecksum(line: string): string {
  const body = line.slice(0, -1);
  return `${body},"${KEY}":"${checksum(body)}"}`;
}

/** Removes the checksum from a line, if it has one; throws {@link CorruptEntryError} if the checksum is wrong. */
export function withoutChecksum(text: string): string {
  // An editor or a version control system may have made its newline two characters.
  const line = text.endsWith('\r') ? text.slice(0, -1) : text;
  const quote = line.length - (line.endsWith(' }') ? 3 : 2);
  if (line[quote] !== '"' || line[quote - 9] !== '"' || line[quote - 10] !== ':') return line;
  const found = ENDING.exec(line.slice(-LENGTH));
  if (found === null) return line;
  const [ending, key = '', sum = '', close = ''] = found;
  if (key !== KEY) {
    if (SUM.test(sum) && isOneBitOff(key)) throw new CorruptEntryError('the key of its checksum is damaged');
    return line;
  }
  const body = line.slice(0, -ending.length);
  if (checksum(body) !== sum) throw new CorruptEntryError('its checksum does not agree');
  return body + close;
}

/** Whether a line of the journal's own that ends before an index may have a checksum. */
export function mayHaveChecksum(bytes: Buffer, end: number): boolean {
  const quote = end - (bytes[end - 2] === 0x20 ? 3 : 2);
  return bytes[quote] === 0x22 && bytes[quote - 9] === 0x22 && bytes[quote - 10] === 0x3a;
}

function checksum(text: string): string {
  return zlib.crc32(text).toString(16).padStart(8, '0');
}

function isOneBitOff(key: string): boolean {
  let bits = 0;
  for (let i = 0; i < KEY.length; i++) {
    for (let off = key.charCodeAt(i) ^ KEY.charCodeAt(i); off !== 0; off &= off - 1) bits++;
  }
  return bits === 1;
}
