import { InvalidArgumentError } from 'commander';

/** Reads a number of entries, or a position, from the command line. */
export function countArgument(text: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(count)) throw new InvalidArgumentError('Expected a safe integer >= 0.');
  return count;
}
