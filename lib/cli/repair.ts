import { isContinuedLine } from '../file/group-line';
import { counted } from './counted';
import type { JournalLine } from './journal-line';
import { isRotated, journalSize } from './journal-size';
import { LeftOut } from './left-out';
import { NewJournal } from './new-journal';
import { renumbered } from './renumbered';
import { salvage, type Piece } from './salvage';
import { survey } from './survey';
import type { Terminal } from './terminal';

/** How a journal is repaired. */
export interface RepairOptions {
  /** The new file. @default the old one's name and `.repaired` */
  readonly output?: string;
  /** Keep what can be read behind a gap, too, under new positions. @default false */
  readonly renumber?: boolean;
}

/**
 * Writes what can be kept of a journal into a new file.
 *
 * Lines that are no entries are left out. What stands behind them is kept while its positions go on without a gap: from the first that does
 * not on, all is left out, or, with `renumber`, numbered on. Groups are kept whole, or not at all.
 */
export async function repair(
  filePath: string,
  { output = `${filePath}.repaired`, renumber = false }: RepairOptions,
  terminal: Terminal,
): Promise<void> {
  await journalSize(filePath);
  const journal = await NewJournal.create(output);
  try {
    const { last, lost } = await keep(filePath, journal, renumber, terminal);
    if (last === 0 && lost) {
      terminal.fail(`${filePath} holds nothing that can be kept: ${output} is not written`);
      return;
    }
    await journal.commit();
    await terminal.out.write(`${output}: ${counted(last, 'entry')}, last position ${last}`);
  } finally {
    await journal.close();
  }
}

async function keep(filePath: string, journal: NewJournal, renumber: boolean, terminal: Terminal) {
  const { entries, lastPosition, bytes, damage, tornBytes } = await survey(filePath, {
    doing: 'Repairing',
    terminal,
    visit: ({ position, entry: line }) => journal.add(position, line.text),
  });
  const leftOut = new LeftOut();
  /** Of a group that is not whole yet. */
  let held: (Piece & { readonly content: JournalLine })[] = [];
  let last = lastPosition;
  let changed = 0;
  let gap = false;
  const dropHeld = () => {
    for (const piece of held) leftOut.add(piece, 'its group is not whole');
    held = [];
  };

  // The damage may stand in a group, of which nothing was read.
  const rotated = damage !== undefined && (await isRotated(filePath));
  if (rotated) terminal.fail(`${damage.message}; nothing behind it is kept of a journal of several files`);
  for await (const piece of damage && !rotated ? salvage(damage.filePath, bytes, entries + 1) : []) {
    const { content } = piece;
    if (typeof content === 'string') {
      dropHeld();
      leftOut.add(piece, content);
      continue;
    }
    if (held.length > 0 && content.position !== held.at(-1)!.content.position + 1) dropHeld();
    if (!renumber && (gap || content.position !== last + held.length + 1)) {
      leftOut.add(piece, gap ? BEHIND : `its position is ${content.position} where ${last + 1} is next`);
      gap = true;
      continue;
    }
    held.push({ ...piece, content });
    if (isContinuedLine(content.text)) continue;
    for (const { content } of held) {
      last++;
      if (content.position !== last) changed++;
      await journal.add(last, renumbered(content, last));
    }
    held = [];
  }
  dropHeld();

  for (const line of leftOut.report()) terminal.fail(line);
  if (gap) terminal.note('--renumber keeps what can be read behind that, under new positions');
  if (changed > 0) terminal.note(`gave new positions to ${counted(changed, 'entry')}`);
  if (tornBytes > 0) terminal.note(`left out a torn end of ${counted(tornBytes, 'byte')}`);
  return { last, lost: rotated || !leftOut.isEmpty };
}

const BEHIND = 'it stands behind that';
