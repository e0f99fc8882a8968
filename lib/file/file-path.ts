import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { shown } from '../errors/assert-argument';

/** The path that a file is given by: a text, or a `file:` URL. Throws a TypeError that calls the argument by `name` for anything else. */
export function pathOf(name: string, value: unknown): string {
  if (value instanceof URL) {
    if (value.protocol === 'file:') return fileURLToPath(value);
    throw new TypeError(`Expected \`${name}\` to be a path or a file: URL, got a URL of ${value.protocol}`);
  }
  if (typeof value !== 'string') throw new TypeError(`Expected \`${name}\` to be a path, got ${shown(value)}`);
  if (value === '') throw new TypeError(`Expected \`${name}\` to be a path, got an empty string`);
  if (/^file:/i.test(value)) {
    throw new TypeError(`Expected \`${name}\` to be a path, or a URL as an object: new URL(${shown(value)})`);
  }
  if (value.includes('\0')) throw new TypeError(`Expected \`${name}\` to be a path, got one with a NUL character`);
  return value;
}

/** {@link pathOf}, from where the process is now. */
export function absolutePathOf(name: string, value: unknown): string {
  return resolve(pathOf(name, value));
}
