import { firstValueFrom } from 'rxjs';
import { assertMethods, assertOptions } from '../errors/assert-argument';
import { JournalClosedError } from '../errors/journal-closed-error';
import { JournalMismatchError } from '../errors/journal-mismatch-error';
import { isTrimmed } from '../errors/position-trimmed-error';
import { flushedOnly } from '../flush/flushed-only';
import { flushingOf } from '../flush/flushing-of';
import { stableStringify } from '../flush/stable-stringify';
import { newestPosition } from '../journal/newest-position';
import { assertPosition, START, type Position } from '../journal/position';
import type { Scrivener } from '../journal/scrivener';
import { lastEntries } from './last-entries';

/**
 * How many writes are pending at once. If somebody else writes in between, one of them fails, and later ones may still land in their
 * places: after this many entries the copy is checked before it continues.
 */
const IN_FLIGHT = 256;

/**
 * Copies the entries of a journal to the end of another, in order: the entry at position p of `from` gets position p - `after` in `to`. Resolves with the last
 * position of `to`.
 *
 * Call it again if it was interrupted: it checks that the newest entries of `to` are those that
 * `from` has at these positions, and continues after them. Each entry is written on the condition that `to` still ends before it, so none is duplicated, even if two processes copy at once.
 * Rejects with {@link JournalMismatchError} if `to` holds something else, {@link PositionConflictError} if somebody else writes to it, and as reading
 * `from` and writing to `to` do. Copies what `from` has flushed, and waits for the rest up to its last position. Entries are compared as JSON; those of a `writeAll` arrive one by one.
 *
 * @param options - `after`: skip the entries of `from` up to this position; pass the same in each call. Default {@link START}
 * @example
 * ```ts
 * await copyJournal(file, stream); // all of it, or what is missing
 * ```
 */
export async function copyJournal<T>(
  from: Scrivener<T>,
  to: Scrivener<T>,
  options: { readonly after?: Position } = {},
): Promise<Position> {
  assertOptions('copyJournal', options, { after: true });
  const { after = START } = options;
  assertMethods('from', from, ['tail', 'readBackward']);
  assertMethods('to', to, ['write', 'readBackward']);
  assertPosition('after', after);
  const last = await firstValueFrom(newestPosition(from));
  const held = await assertBeginning(from, to, after, last);
  if (after + held >= last) return held;
  const writes: Promise<Position>[] = [];
  let copied = held;
  try {
    const flushing = flushingOf(from);
    const tail = from.tail(after + held);
    // Entries that a crash removes from `from` would no longer match.
    for await (const { position, entry } of flushing ? flushedOnly(tail, flushing) : tail) {
      const writing = to.write(entry, { expect: copied });
      copied = position - after;
      writing.catch(() => undefined); // told when it is its turn
      writes.push(writing);
      if (writes.length >= IN_FLIGHT) await writes.shift();
      if (position === last) break;
    }
    await Promise.all(writes);
  } finally {
    await Promise.allSettled(writes);
  }
  if (after + copied < last) throw new JournalClosedError();
  return copied;
}

/** The last position of `to`, whose newest entries must be those that `from` has at these positions. */
async function assertBeginning<T>(
  from: Scrivener<T>,
  to: Scrivener<T>,
  after: Position,
  last: Position,
): Promise<Position> {
  const held = await firstValueFrom(newestPosition(to));
  const copies = (await lastEntries(to, IN_FLIGHT)).reverse();
  if (held === START) return START;
  if (after + held > last) {
    throw new JournalMismatchError(`it ends at position ${held}, what is copied to it at ${last - after}`);
  }
  if (copies.length === 0) return held; // entries that `to` no longer keeps cannot be compared
  let compared = 0;
  try {
    for await (const original of from.readBackward(after + held + 1)) {
      const { position, entry } = copies[compared]!;
      if (!areEqual(original.entry, entry)) {
        throw new JournalMismatchError(
          `its position ${position} is not what stands at ${original.position} of the other`,
        );
      }
      if (++compared === copies.length) break;
    }
  } catch (error) {
    // Entries that `from` no longer keeps cannot be compared.
    if (!isTrimmed(error) || compared === 0) throw error;
  }
  return held;
}

function areEqual(a: unknown, b: unknown): boolean {
  return a === b || stableStringify(a) === stableStringify(b);
}
