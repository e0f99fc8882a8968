import { START } from '../journal/position';
import { catLast } from './cat';
import { interruption } from './interruption';
import { readLines } from './read-lines';
import type { Terminal } from './terminal';

/** What is printed of a journal's end. */
export interface TailOptions {
  readonly lines: number;
  /** Go on with what is appended, until the process is interrupted. */
  readonly follow?: boolean;
}

/** Prints a journal's last lines, and those to come. */
export async function tail(
  filePath: string,
  { lines, follow = false }: TailOptions,
  terminal: Terminal,
): Promise<void> {
  const after = await catLast(filePath, { last: lines }, terminal);
  if (!follow) return;
  // Where nothing is there to be printed, what comes begins anywhere.
  const records = readLines(filePath, { ...(after > START && { after }), follow })[Symbol.asyncIterator]();
  interruption().addEventListener('abort', () => void records.return?.());
  for (let next = await records.next(); next.done !== true; next = await records.next()) {
    const pause = terminal.out.write(next.value.entry.text);
    if (pause) await pause;
  }
}
