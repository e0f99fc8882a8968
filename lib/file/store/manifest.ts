import { randomUUID } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CorruptJournalError } from '../../errors/corrupt-journal-error';
import type { Position } from '../../journal/position';
import { syncDirectory } from '../disk/directory';
import type { FileMode } from '../disk/file-mode';
import { modeAt, replaceFile } from '../disk/replace-file';

/**
 * The record of a journal's files, if there is more than one: a crash leaves the old record or the new one.
 *
 * Unknown fields are `undefined`: there is no record, or one of an earlier version.
 */
export interface Manifest {
  /** The journal's identity, made once. */
  readonly id: string | undefined;
  /** The oldest position that is kept; segments before it were retired or moved away. */
  readonly first: Position;
  /** The first position of the active file. */
  readonly active: Position | undefined;
  /** When the active file was created, in milliseconds since 1970. */
  readonly begunMs: number | undefined;
  /** A position that was on the disk when the record was written: the journal ends there or later. */
  readonly last: Position | undefined;
  /** How many closed segments there were between `first` and `active`. */
  readonly closed: number | undefined;
  /** Whether it belongs to an unfinished fork, possibly left by a crash. */
  readonly isHalf?: boolean;
}

/** A closed segment, according to its name. */
export interface SegmentName {
  readonly first: Position;
  readonly filePath: string;
  readonly compressed: boolean;
  /** The compressed file that lies beside a plain one. */
  readonly twin: string | undefined;
}

const DIGITS = 16;

/** `chat.ndjson` -> `chat.ndjson.0000000000000101`, and `.gz` if it is compressed. */
export function segmentPath(filePath: string, first: Position): string {
  return `${filePath}.${String(first).padStart(DIGITS, '0')}`;
}

/** The path of the record of a journal's segments. */
export function manifestPath(filePath: string): string {
  return `${filePath}.segments`;
}

/** The closed segments beside a journal's file, in order. If a segment exists twice, it is the plain one, from which the compressed one is made. */
export async function findSegments(filePath: string): Promise<SegmentName[]> {
  return segmentsAmong(filePath, await sideFiles(filePath));
}

/** The names of the files beside a journal's file that begin with its name. */
export async function sideFiles(filePath: string): Promise<string[]> {
  const name = basename(filePath);
  return (await readdir(dirname(filePath))).filter((file) => file.startsWith(`${name}.`));
}

/**
 * Whether there may be closed segments: they are recorded, or a crash has left the first one before that. Without them there is no need to search
 * among the files beside the journal.
 */
export async function mayHaveSegments(filePath: string, { closed }: Manifest): Promise<boolean> {
  if (closed !== undefined) return true;
  const first = segmentPath(filePath, 1);
  return (await Promise.all([modeAt(first), modeAt(`${first}.gz`)])).some((mode) => mode !== undefined);
}

/** {@link findSegments} among the files that are known to lie beside the journal's. */
export function segmentsAmong(filePath: string, files: readonly string[]): SegmentName[] {
  const name = basename(filePath);
  const found = new Map<Position, SegmentName>();
  for (const file of [...files].sort()) {
    if (!file.startsWith(`${name}.`)) continue;
    const [, digits, gz] = /^(\d{16})(\.gz)?$/.exec(file.slice(name.length + 1)) ?? [];
    const first = Number(digits);
    if (digits === undefined || !Number.isSafeInteger(first) || first < 1) continue;
    const path = join(dirname(filePath), file);
    const plain = found.get(first); // its name comes first
    found.set(
      first,
      plain ? { ...plain, twin: path } : { first, filePath: path, compressed: gz !== undefined, twin: undefined },
    );
  }
  return [...found.values()].sort((a, b) => a.first - b.first);
}

/** Resolves with an empty record for a journal that has none; rejects with {@link CorruptJournalError} for a damaged one. */
export async function loadManifest(filePath: string): Promise<Manifest> {
  let text: string;
  try {
    text = await readFile(manifestPath(filePath), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { ...UNKNOWN, first: 1 };
    throw error;
  }
  const manifest = parseManifest(text);
  if (manifest) return manifest;
  const reason = 'it is not a list of segments';
  throw new CorruptJournalError({ filePath: manifestPath(filePath), line: 1, byteOffset: 0, reason });
}

const UNKNOWN = { id: undefined, active: undefined, begunMs: undefined, last: undefined, closed: undefined };

function parseManifest(text: string): Manifest | undefined {
  let value: Record<string, unknown> | null;
  try {
    value = JSON.parse(text) as typeof value;
  } catch {
    return undefined;
  }
  const { schemaVersion, id, first, active, begunMs, last, closed, segments, isHalf } = value ?? {};
  if (schemaVersion !== '1' || !isPosition(first)) return undefined;
  if (Array.isArray(segments) && segments.every(isPosition)) {
    // The format of earlier versions: the first positions of all closed segments, in order.
    return { ...UNKNOWN, first, last: segments.at(-1), closed: segments.length };
  }
  if (typeof id !== 'string' || !isPosition(active) || active < first) return undefined;
  if (!isAmount(begunMs) || !isAmount(last) || !isAmount(closed)) return undefined;
  return { id, first, active, begunMs, last, closed, isHalf: isHalf === true };
}

/** The record of a journal that keeps no closed segment, and whose active file is empty. */
export function newManifest(first: Position): KnownManifest {
  return { id: randomUUID(), first, active: first, begunMs: Date.now(), last: first - 1, closed: 0 };
}

/** A record with all its fields. */
export type KnownManifest = { readonly [K in keyof Manifest]: NonNullable<Manifest[K]> };

/** @param like - the file whose mode and owner it gets; default: the journal's */
export async function saveManifest(filePath: string, manifest: KnownManifest, like?: FileMode): Promise<void> {
  const { id, first, active, begunMs, last, closed, isHalf } = manifest;
  const half = isHalf && { isHalf };
  const text = JSON.stringify({ schemaVersion: '1', id, first, active, begunMs, last, closed, ...half });
  await replaceFile(manifestPath(filePath), `${text}\n`, like ?? (await modeAt(filePath)));
  await syncDirectory(filePath);
}

/** Removes the remains of a fork after a crash: its record last, which identifies it. */
export async function discardHalf(filePath: string): Promise<void> {
  if (!(await loadManifest(filePath)).isHalf) return;
  for (const { filePath: path, twin } of await findSegments(filePath)) {
    await rm(path, { force: true });
    if (twin !== undefined) await rm(twin, { force: true });
  }
  await rm(manifestPath(filePath), { force: true });
  await syncDirectory(filePath);
}

function isPosition(value: unknown): value is Position {
  return isAmount(value) && value >= 1;
}

function isAmount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
