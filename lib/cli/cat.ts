import { START, type Position } from '../journal/position';
import { typeOf } from './figures/entry-types';
import type { JournalLine } from './reading/journal-line';
import { readLines } from './reading/read-lines';
import { Ring } from './reading/ring';
import type { Terminal } from './terminal/terminal';

/** Which lines are printed. */
export interface CatOptions {
  /** Only those after this position; default: all, from the oldest that is kept. */
  readonly after?: Position;
  /** Only this many, at the end. */
  readonly last?: number;
  /** Only those whose entry has one of these types. */
  readonly type?: readonly string[];
}

/** Prints a journal's lines. If it is damaged, prints those before the damage, then fails. */
export async function cat(filePath: string, { after, last, type }: CatOptions, terminal: Terminal): Promise<void> {
  if (last !== undefined) {
    await catLast(filePath, { after, last, type }, terminal);
    return;
  }
  const matchesType = typeFilter(type);
  for await (const { entry: line } of readLines(filePath, terminal.stdin, { after })) {
    if (!matchesType(line)) continue;
    const pause = terminal.out.write(line.text);
    if (pause) await pause;
  }
}

/** Prints a journal's last lines, and returns the position of the last line, printed or not. */
export async function catLast(
  filePath: string,
  { after, last, type }: CatOptions & { readonly last: number },
  terminal: Terminal,
): Promise<Position> {
  const lines = new Ring<string>(last);
  const matchesType = typeFilter(type);
  let position = START;
  try {
    for await (const record of readLines(filePath, terminal.stdin, { after })) {
      if (matchesType(record.entry)) lines.push(record.entry.text);
      position = record.position;
    }
  } finally {
    for (const line of lines) await terminal.out.write(line);
  }
  return position;
}

function typeFilter(types: readonly string[] | undefined): (line: JournalLine) => boolean {
  if (types === undefined) return () => true;
  const accepted = new Set<unknown>([...types, ...types.flatMap((text) => text.split(','))]);
  return ({ entry }) => accepted.has(typeOf(entry));
}
