import { START, type Position } from '../journal/position';
import { catLast } from './cat';
import { interruption, type Terminal } from './terminal/terminal';
import { readLines } from './reading/read-lines';
import { isSource } from './reading/source';

/** What is printed from a journal's end. */
export interface TailOptions {
  /** How many lines; default: 10, or, with `after`, all. */
  readonly lines?: number;
  /** Only those after this position. */
  readonly after?: Position;
  /** Continue with what is appended, until the process is interrupted. */
  readonly follow?: boolean;
}

const LINES = 10;

/** Prints a journal's last lines, and, if it follows, those that are appended. */
export async function tail(
  filePath: string,
  { after, lines = after === undefined ? LINES : undefined, follow = false }: TailOptions,
  terminal: Terminal,
): Promise<void> {
  // A pipe is simply read to its end.
  const follows = follow && !(await isSource(filePath));
  let last = after;
  if (lines !== undefined) {
    const printed = await catLast(filePath, { last: lines, after }, terminal);
    if (!follows) return;
    // An empty journal may begin at any position.
    if (printed > START) last = Math.max(printed, after ?? START);
  }
  const records = readLines(filePath, terminal.stdin, { after: last, follow: follows })[Symbol.asyncIterator]();
  if (follows) interruption().addEventListener('abort', () => void records.return?.());
  for (let next = await records.next(); next.done !== true; next = await records.next()) {
    const pause = terminal.out.write(next.value.entry.text);
    if (pause) await pause;
  }
}
