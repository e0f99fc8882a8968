import { createHash } from 'node:crypto';

/** Longer names are shortened. File systems allow 255 bytes; some tools that copy files append to a name. */
const MAX_LENGTH = 200;
const KEPT_LENGTH = 140;
/** Occurs in no full name. */
const SHORTENED = '+';

/** Names that Windows reserves for devices, whatever follows a dot. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?=\.|$)/;
const PLAIN = /[a-z0-9_.-]/;
const WHOLE = /^(?:[a-z0-9_.-]|\^[a-z]|%[0-9a-f]{2}|%u[0-9a-f]{4})+$/;

/** The folder of a journal, by its name. */
export interface FolderName {
  readonly folder: string;
  /** Whether the name was shortened, and is on record in the folder. */
  readonly isShortened: boolean;
}

/**
 * The name of a journal as the name of a folder that is safe on Linux, macOS and Windows: `Ann/1` is `^ann%2f1`.
 *
 * Lower-case ASCII letters, digits, `_`, `-` and inner dots are unchanged; `^a` is a capital letter, `%2f` another byte of UTF-8, `%ud83d`
 * half a surrogate pair. Different names give folders that also differ on file systems that ignore case and Unicode normalization.
 */
export function folderName(name: string): FolderName {
  let folder = Array.from(name, encoded).join('');
  if (folder.startsWith('.') || DEVICE.test(folder)) folder = escaped(folder[0]!) + folder.slice(1);
  if (folder.endsWith('.')) folder = `${folder.slice(0, -1)}${escaped('.')}`;
  if (folder.length <= MAX_LENGTH) return { folder, isShortened: false };
  const kept = folder.slice(0, KEPT_LENGTH).replace(/(?:\^|%u?[0-9a-f]{0,3})$/, '');
  // UTF-16, because UTF-8 has no half surrogate pairs.
  const hash = createHash('sha256').update(Buffer.from(name, 'utf16le')).digest('hex').slice(0, 40);
  return { folder: kept + SHORTENED + hash, isShortened: true };
}

/** Whether a folder may be one whose name was shortened. */
export function isShortened(folder: string): boolean {
  return folder.includes(SHORTENED);
}

/** The name of the journal in a folder; `undefined` if the folder is not a journal's, or its name was shortened. */
export function journalName(folder: string): string | undefined {
  if (!WHOLE.test(folder)) return undefined;
  let name = '';
  let bytes: number[] = [];
  const flush = () => {
    name += Buffer.from(bytes).toString();
    bytes = [];
  };
  for (const [part] of folder.matchAll(/\^[a-z]|%u[0-9a-f]{4}|%[0-9a-f]{2}|./g)) {
    if (part.length === 3) {
      bytes.push(parseInt(part.slice(1), 16));
      continue;
    }
    flush();
    if (part.length === 6) name += String.fromCharCode(parseInt(part.slice(2), 16));
    else name += part.length === 2 ? part[1]!.toUpperCase() : part;
  }
  flush();
  // A folder named by another tool may decode to the same name.
  return folderName(name).folder === folder ? name : undefined;
}

function encoded(character: string): string {
  if (PLAIN.test(character)) return character;
  return /^[A-Z]$/.test(character) ? `^${character.toLowerCase()}` : escaped(character);
}

function escaped(character: string): string {
  const unit = character.charCodeAt(0);
  if (character.length === 1 && unit >= 0xd800 && unit <= 0xdfff) return `%u${unit.toString(16)}`;
  return [...Buffer.from(character)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
}
