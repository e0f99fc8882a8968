import { START, type Position } from '../journal/position';
import { readLines } from './read-lines';
import { Ring } from './ring';
import type { Terminal } from './terminal';

/** Which lines are printed. */
export interface CatOptions {
  /** Those after this position; default: all that there are, from the oldest that is kept. */
  readonly after?: Position;
  /** So many, at the end. */
  readonly last?: number;
}

/** Prints a journal's lines; those before damage, then fails. */
export async function cat(filePath: string, { after, last }: CatOptions, terminal: Terminal): Promise<void> {
  if (last !== undefined) {
    await catLast(filePath, { after, last }, terminal);
    return;
  }
  for await (const { entry: line } of readLines(filePath, { after })) {
    const pause = terminal.out.write(line.text);
    if (pause) await pause;
  }
}

/** Prints a journal's last lines, and returns the position of the last. */
export async function catLast(
  filePath: string,
  { after, last }: CatOptions & { readonly last: number },
  terminal: Terminal,
): Promise<Position> {
  const lines = new Ring<string>(last);
  let position = START;
  try {
    for await (const record of readLines(filePath, { after })) {
      lines.push(record.entry.text);
      position = record.position;
    }
  } finally {
    for (const line of lines) await terminal.out.write(line);
  }
  return position;
}
