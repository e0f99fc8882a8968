import { stat } from 'node:fs/promises';
import { CorruptJournalError } from '../../errors/corrupt-journal-error';
import { located } from '../../file/follow/files-reader';
import { findSegments, loadManifest } from '../../file/store/manifest';
import type { Position } from '../../journal/position';
import { journalFiles, sourceFile } from '../reading/journal-files';
import { KeptLines } from './kept-lines';
import { NewJournals } from '../writing/new-journals';
import { salvageFiles } from './salvage-files';
import { STANDARD_INPUT } from '../reading/source';
import type { Terminal } from '../terminal/terminal';

/** A damaged line. */
export type Place = Pick<CorruptJournalError, 'filePath' | 'line' | 'byteOffset' | 'reason'>;

/** All damage in a journal. */
export interface AllDamage {
  /** The first damaged lines, in order. */
  readonly places: readonly Place[];
  /** How many further damaged lines there are. */
  readonly more: number;
  /** How many entries can be read. */
  readonly readable: number;
  /** The bytes at the end that a crash left of a line or a group. */
  readonly tornBytes: number;
}

/** How many damaged lines are described. */
const DESCRIBED = 20;

/**
 * Reads all of a damaged journal, past its first damage; `undefined` if it can be read only once.
 *
 * @param first - the first damage, where reading has ended
 */
export async function allDamage(
  filePath: string,
  first: CorruptJournalError,
  terminal: Terminal,
): Promise<AllDamage | undefined> {
  // A pipe cannot be read again.
  if (filePath === STANDARD_INPUT || (await isPipe(filePath))) return undefined;
  const source = await sourceFile(filePath, terminal.stdin);
  try {
    const found = source ? source.file.filePath : await located(filePath);
    const oldest = source ? (source.first ?? 1) : await oldestOf(found);
    const places: Place[] = [];
    let count = 0;
    let hasFirst = false as boolean;
    const isMissing = /^the segment .* is missing/.test(first.reason);
    let last: Pick<Place, 'filePath' | 'line'> | undefined;
    const onDamage = (place: Omit<Place, 'reason'>, reason: string) => {
      // Several parts of a line count as one.
      if (isSame(place, last)) return;
      last = place;
      count++;
      // A missing segment would be reported again where the next one begins.
      const isFirst = isSame(place, first) || (!hasFirst && isMissing && place.line === 1);
      hasFirst ||= isFirst;
      const { filePath, line, byteOffset } = isFirst ? first : place;
      if (places.length < DESCRIBED)
        places.push({ filePath, line, byteOffset, reason: isFirst ? first.reason : reason });
    };
    const journals = new NewJournals(found, undefined, true);
    const kept = new KeptLines(found, journals, oldest, true, onDamage);
    await salvageFiles(source ? [source.file] : journalFiles(found, oldest), kept, 'Verifying', terminal);
    if (!hasFirst) {
      count++;
      places.unshift(first);
      places.splice(DESCRIBED);
    }
    const [journal] = journals.all;
    const readable = journal === undefined ? 0 : journal.last - journal.first + 1;
    return { places, more: count - places.length, readable, tornBytes: kept.tornBytes };
  } finally {
    await source?.close();
  }
}

async function isPipe(filePath: string): Promise<boolean> {
  const found = await stat(filePath).catch(() => undefined);
  return found !== undefined && !found.isFile();
}

function isSame(a: Pick<Place, 'filePath' | 'line'>, b: Pick<Place, 'filePath' | 'line'> | undefined): boolean {
  return a.line === b?.line && a.filePath === b.filePath;
}

/** Where the journal begins, according to its record of segments; at its first segment if that cannot be read. */
async function oldestOf(filePath: string): Promise<Position> {
  try {
    return (await loadManifest(filePath)).first;
  } catch (error) {
    if (!(error instanceof CorruptJournalError)) throw error;
    return (await findSegments(filePath))[0]?.first ?? 1;
  }
}
