import { findSegments } from '../../file/store/manifest';
import { salvage, type Piece } from '../damage/salvage';
import { journalFiles } from '../reading/journal-files';
import { describeDamage } from '../terminal/describe-error';
import { withEntry, type Line } from './line';

/**
 * The lines of a journal from one position to another, whatever its files hold. A line that cannot be read gets the next position.
 *
 * Reads the file that holds the first of them from its beginning.
 */
export async function* salvagedLines(filePath: string, from: number, to: number): AsyncGenerator<Line, void> {
  const first = (await findSegments(filePath)).findLast((segment) => segment.first <= from)?.first ?? 1;
  let next = first;
  /** The unreadable lines since the last readable one. */
  let damaged: Line[] = [];
  const shown = (lines: readonly Line[]) => lines.filter(({ n }) => n >= from && n <= to);
  for await (const file of journalFiles(filePath, first)) {
    for await (const piece of salvage(file)) {
      const { content, bytes, byteOffset } = piece;
      if (typeof content === 'string' || content.position < next) {
        // No more of them than the number of positions requested.
        if (damaged.length <= to - next) damaged.push(damagedLine(piece, next + damaged.length));
        continue;
      }
      const { position, text, entry } = content;
      // What is between two consecutive entries has no position: it is reported with the second entry.
      const between = damaged.find(({ n }) => n >= position)?.damage;
      const lines = damaged.filter(({ n }) => n < position);
      const expected = next + lines.length;
      const gap = position === expected ? undefined : `its position is ${position} where ${expected} is next`;
      const line = { n: position, position, text, bytes, byteOffset, damage: between ?? gap };
      yield* shown([...lines, withEntry(line, entry)]);
      next = position + 1;
      damaged = [];
      if (next > to) return;
    }
  }
  yield* shown(damaged);
}

function damagedLine({ filePath, line, byteOffset, bytes, content }: Piece, n: number): Line {
  const reason = typeof content === 'string' ? content : `its position is ${content.position} where ${n} is next`;
  return { n, text: '', bytes, byteOffset, damage: describeDamage({ filePath, line, byteOffset, reason }) };
}
