import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { segmentsAmong } from '../../file/store/manifest';
import { folderJournals, type FolderJournal } from '../reading/folder-journals';
import { lineFrom } from './line';

/** A journal of a folder. */
export interface ListedJournal {
  /** Its file, as a path in the folder. */
  readonly path: string;
  readonly name: string;
  /** `undefined` if the beginning and the end of the files do not say. */
  readonly entries: number | undefined;
  /** Whether `entries` is an estimate from the end of the file: for a long file without envelopes. */
  readonly isEstimate: boolean;
  /** The size of all its files together. */
  readonly sizeBytes: number;
  /** When it was last changed, in milliseconds since 1970. */
  readonly changedMs: number;
}

type Entries = Pick<ListedJournal, 'entries' | 'isEstimate'>;

const END_BYTES = 64 * 1024;

/** The journals of a folder: its files, and those that `openJournalFolder` keeps in folders of their own. */
export class JournalList {
  readonly #folder: string;
  /** What was found in each file, valid until it changes. */
  readonly #known = new Map<string, { readonly state: string; readonly entries: Entries }>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Sorted by the time of the last change, the latest first. */
  async read(): Promise<ListedJournal[]> {
    const listed: ListedJournal[] = [];
    const found = await folderJournals(this.#folder);
    for (const journal of found) listed.push(...(await this.#look(journal)));
    const paths = new Set(found.map(({ path }) => path));
    for (const path of this.#known.keys()) if (!paths.has(path)) this.#known.delete(path);
    return listed.sort((a, b) => b.changedMs - a.changedMs);
  }

  async #look({ path, name, files }: FolderJournal): Promise<ListedJournal[]> {
    const filePath = join(this.#folder, path);
    const found = await stat(filePath).catch(() => undefined);
    if (found?.isFile() !== true) return [];
    const segments = segmentsAmong(filePath, files);
    let sizeBytes = found.size;
    for (const segment of segments) sizeBytes += (await stat(segment.filePath).catch(() => undefined))?.size ?? 0;
    const state = `${found.ino} ${found.size} ${found.mtimeMs} ${segments[0]?.filePath}`;
    let known = this.#known.get(path);
    if (known?.state !== state) {
      const entries = await entriesIn(filePath, found.size, segments[0]?.first).catch(() => UNKNOWN);
      this.#known.set(path, (known = { state, entries }));
    }
    return [{ path, name, ...known.entries, sizeBytes, changedMs: found.mtimeMs }];
  }
}

const UNKNOWN: Entries = { entries: undefined, isEstimate: false };

/** @param first - the oldest position, if there are closed segments */
async function entriesIn(filePath: string, size: number, first: number | undefined): Promise<Entries> {
  const file = await open(filePath, 'r');
  const linesAt = async (from: number) => {
    const bytes = Buffer.alloc(Math.min(size - from, END_BYTES));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
    return bytes.subarray(0, bytesRead).toString().split('\n');
  };
  try {
    const end = await linesAt(Math.max(0, size - END_BYTES));
    const last = positionIn(end.reverse());
    if (last === undefined && first === undefined) {
      const lines = end.filter((text) => text !== '').length;
      return { entries: Math.round(lines * Math.max(1, size / END_BYTES)), isEstimate: size > END_BYTES };
    }
    const oldest = first ?? positionIn(await linesAt(0));
    return { entries: oldest === undefined || last === undefined ? undefined : last - oldest + 1, isEstimate: false };
  } finally {
    await file.close();
  }
}

function positionIn(lines: readonly string[]): number | undefined {
  for (const text of lines) {
    const { position } = lineFrom({ n: 1, text, bytes: 0, byteOffset: 0 }, true);
    if (position !== undefined) return position;
  }
  return undefined;
}
