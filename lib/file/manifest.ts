import { readdir, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CorruptJournalError } from '../errors/corrupt-journal-error';
import type { Position } from '../journal/position';
import { syncDirectory } from './directory';
import { replaceFile } from './replace-file';

/** What is on record about a journal's closed segments: a crash leaves the old record or the new one. */
export interface Manifest {
  /** The oldest position that is kept; segments before it were retired. */
  readonly first: Position;
  /** The first positions of the closed segments. */
  readonly segments: readonly Position[];
}

/** A closed segment, as its name tells. */
export interface SegmentName {
  readonly first: Position;
  readonly filePath: string;
  readonly compressed: boolean;
}

const DIGITS = 16;

/** `chat.ndjson` -> `chat.ndjson.0000000000000101`, `.gz` behind it when it is compressed. */
export function segmentPath(filePath: string, first: Position): string {
  return `${filePath}.${String(first).padStart(DIGITS, '0')}`;
}

/** Where a journal's segments are on record. */
export function manifestPath(filePath: string): string {
  return `${filePath}.segments`;
}

/** The closed segments that lie beside a journal's file, in their order; of one that is there twice the compressed one, which is whole. */
export async function findSegments(filePath: string): Promise<SegmentName[]> {
  const name = basename(filePath);
  const found = new Map<Position, SegmentName>();
  for (const file of (await readdir(dirname(filePath))).sort()) {
    if (!file.startsWith(`${name}.`)) continue;
    const [, digits, gz] = /^(\d{16})(\.gz)?$/.exec(file.slice(name.length + 1)) ?? [];
    const first = Number(digits);
    if (digits === undefined || !Number.isSafeInteger(first) || first < 1) continue;
    found.set(first, { first, filePath: join(dirname(filePath), file), compressed: gz !== undefined });
  }
  return [...found.values()].sort((a, b) => a.first - b.first);
}

/** Resolves with an empty one for a journal that was never rotated; rejects with {@link CorruptJournalError} for a damaged one. */
export async function loadManifest(filePath: string): Promise<Manifest> {
  let text: string;
  try {
    text = await readFile(manifestPath(filePath), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { first: 1, segments: [] };
    throw error;
  }
  try {
    const { schemaVersion, first, segments } = JSON.parse(text) as Record<string, unknown>;
    if (schemaVersion === '1' && isPosition(first) && Array.isArray(segments) && segments.every(isPosition)) {
      return { first, segments };
    }
  } catch {
    // Reported below.
  }
  const reason = 'it is no list of segments';
  throw new CorruptJournalError({ filePath: manifestPath(filePath), line: 1, byteOffset: 0, reason });
}

/** Removes what a crash has left of a record, or of a segment, that was being written. */
export async function removeTemporaries(filePath: string): Promise<void> {
  const name = basename(filePath);
  for (const file of await readdir(dirname(filePath))) {
    if (!file.startsWith(`${name}.`) || !/^(\d{16}\.gz|segments\.[-0-9a-f]+)\.tmp$/.test(file.slice(name.length + 1)))
      continue;
    await rm(join(dirname(filePath), file), { force: true });
  }
}

export async function saveManifest(filePath: string, { first, segments }: Manifest): Promise<void> {
  await replaceFile(manifestPath(filePath), `${JSON.stringify({ schemaVersion: '1', first, segments })}\n`);
  await syncDirectory(filePath);
}

function isPosition(value: unknown): value is Position {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}
