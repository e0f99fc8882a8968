import type { FileHandle } from 'node:fs/promises';
import type { Position, Positioned } from '../../journal/position';
import type { Start } from '../lines/line-reader';
import { isThere, type SeenBytes } from './seen-bytes';

/** After this time nothing more is expected of a batch that was cut short: a living writer takes it back immediately. */
const SETTLED_MS = 200;

/** Where lines begin: after this many lines and bytes, the last of which has this position. */
export interface Mark extends Start {
  readonly byteOffset: number;
}

/**
 * The newest batch of a file that another process writes, as a follower sees it: its writer may take it back, and write another attempt in its place.
 *
 * Its lines are held until it is whole. A file that ends inside a line has an unfinished batch; if nothing more comes, a crash has cut it
 * short, and its whole lines count.
 */
export class NewestBatch<T> {
  /** Where it begins: everything before it is final. */
  #mark: Mark | undefined;
  #held: Positioned<T>[] = [];
  /** The last bytes of the held lines. */
  #seen: SeenBytes | undefined;
  /** Where the file ended, its change time then, and since when it has not changed. */
  #end = -1;
  #changedNs = 0n;
  #endedMs = 0;

  get mark(): Mark | undefined {
    return this.#mark;
  }

  get isHeld(): boolean {
    return this.#held.length > 0;
  }

  /** The last position that is not held, if `last` is the last one read. */
  standsUpTo(last: Position): Position {
    return this.#held[0] ? this.#held[0].position - 1 : last;
  }

  /** Whether the file has been read to its end once. */
  get isKnown(): boolean {
    return this.#end >= 0;
  }

  /** The newest batch begins after this mark. */
  beginAt(mark: Mark): void {
    this.#mark = mark;
  }

  hold(records: readonly Positioned<T>[]): void {
    this.#held.push(...records);
  }

  /** Notes the last bytes of the held lines. */
  endWith(seen: SeenBytes): void {
    if (this.isHeld) this.#seen = seen;
  }

  /** Returns the held lines and holds them no longer. */
  release(): Positioned<T>[] {
    this.#seen = undefined;
    return this.#held.splice(0);
  }

  /** Whether another attempt has replaced the held lines. */
  async isReplaced(file: FileHandle): Promise<boolean> {
    return this.#seen !== undefined && !(await isThere(file, this.#seen));
  }

  /** The batch was taken back: returns where to read again, if that is known. */
  takeBack(): Mark | undefined {
    if (this.#mark) this.release();
    return this.#mark;
  }

  /** The file was read to its end. A batch that is retried ends in the same place, but at another time. */
  noteEnd(end: number, changedNs: bigint): void {
    if (end !== this.#end || changedNs !== this.#changedNs) this.#endedMs = performance.now();
    this.#end = end;
    this.#changedNs = changedNs;
  }

  /** Whether the batch ends with its last whole line, or nothing more will come of it. */
  isWhole(byteOffset: number): boolean {
    return this.#end === byteOffset || performance.now() - this.#endedMs >= SETTLED_MS;
  }
}
