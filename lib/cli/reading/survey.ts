import { CorruptJournalError } from '../../errors/corrupt-journal-error';
import { START, type Position, type Positioned } from '../../journal/position';
import { lineBytes, type JournalLine } from './journal-line';
import { type Source, journalSize } from './source';
import { showProgress } from '../terminal/progress';
import { readLines } from './read-lines';
import type { Terminal } from '../terminal/terminal';

/** What reading a whole journal found. */
export interface Survey {
  readonly entries: number;
  readonly lastPosition: Position;
  /** The bytes of the lines, newlines included. */
  readonly bytes: number;
  /** How many bytes follow the last line: what a crash has left of the next one. */
  readonly tornBytes: number;
  /** The damage where reading ended, if any. */
  readonly damage: CorruptJournalError | undefined;
}

/** How a journal is surveyed. */
export interface SurveyOptions {
  /** The label of the progress bar. */
  readonly doing: string;
  readonly terminal: Terminal;
  readonly restarts?: 'reject' | 'renumber';
  /** Read instead of the path. */
  readonly source?: Source | undefined;
  /** Called with each line. If it returns a promise, reading waits for it. */
  readonly visit?: (line: Positioned<JournalLine>) => Promise<void> | void;
}

/** Reads a journal from its beginning to its end, or up to the first damage. */
export async function survey(
  filePath: string,
  { doing, terminal, restarts = 'reject', source, visit }: SurveyOptions,
): Promise<Survey> {
  const progress = showProgress(`${doing} ${filePath}`, source ? 0 : await journalSize(filePath), terminal.stderr);
  let entries = 0;
  let lastPosition = START;
  let bytes = 0;
  let tornBytes = 0;
  let damage: CorruptJournalError | undefined;
  try {
    for await (const line of readLines(filePath, terminal.stdin, {
      source,
      restarts,
      onTorn: (torn) => (tornBytes = torn),
    })) {
      entries++;
      lastPosition = line.position;
      bytes += lineBytes(line.entry);
      progress.update(bytes);
      const pause = visit?.(line);
      if (pause) await pause;
    }
  } catch (error) {
    if (!(error instanceof CorruptJournalError)) throw error;
    damage = error;
  } finally {
    progress.stop();
  }
  return { entries, lastPosition, bytes, damage, tornBytes };
}
