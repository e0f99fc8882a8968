/** An entry that tells its position, whose content follows from it. */
export interface MatrixEntry {
  readonly n: number;
  readonly text: string;
}

const CYCLE = 7;
const GROUP = 3;

/** The entry that stands at a position. A few are longer than the stretch between two places of a sparse index. */
export function matrixEntry(n: number): MatrixEntry {
  return { n, text: n % 331 === 2 ? 'ü'.repeat(40_000) : 'ü🙂"'.repeat((n * 7919) % 60) };
}

/** What is written at a position as one: of every seven positions three are a group. */
export function matrixStep(first: number): MatrixEntry[] {
  return Array.from({ length: first % CYCLE === 1 ? GROUP : 1 }, (_, index) => matrixEntry(first + index));
}

/** Whether a journal may end with a position: not in the middle of a group. */
export function endsWhole(last: number): boolean {
  return last % CYCLE === 0 || last % CYCLE >= GROUP;
}
