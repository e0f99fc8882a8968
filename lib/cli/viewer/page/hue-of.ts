/** The hue of a type's name, in degrees: the same each time. */
export function hueOf(type: string): number {
  let hash = 0;
  for (const char of type) hash = (hash * 31 + char.codePointAt(0)!) >>> 0;
  // Similar names get different hues.
  return (Math.imul(hash, 0x9e3779b1) >>> 0) % 360;
}
