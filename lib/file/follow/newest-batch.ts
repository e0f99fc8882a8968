import type { FileHandle } from 'node:fs/promises';
import type { Position, Positioned } from '../../journal/position';
import type { Start } from '../lines/line-reader';
import { isThere, type SeenBytes } from './seen-bytes';

/** After so long nothing more is expected of a batch that was cut short; its writer takes it back at once. */
const SETTLED_MS = 200;

/** Where lines begin: after so many lines and bytes, the last of which has this position. */
export interface Mark extends Start {
  readonly byteOffset: number;
}

/**
 * The newest batch of a file that another process writes, as a follower sees it: its writer may take it back, and write another attempt in its place.
 *
 * Its lines are held until it is whole. A file that ends within a line has a batch under way; where nothing more comes of it, a crash has cut it
 * short, and its whole lines stand.
 */
export class NewestBatch<T> {
  /** Where it begins: what comes before it stands. */
  #mark: Mark | undefined;
  #held: Positioned<T>[] = [];
  /** What ends the lines that are held. */
  #seen: SeenBytes | undefined;
  /** Where the file ended, when it was changed last then, and since when nothing has happened to it. */
  #end = -1;
  #changedNs = 0n;
  #endedMs = 0;

  get mark(): Mark | undefined {
    return this.#mark;
  }

  get isHeld(): boolean {
    return this.#held.length > 0;
  }

  /** The last position that is not held, where `last` is the last that was read. */
  standsUpTo(last: Position): Position {
    return this.#held[0] ? this.#held[0].position - 1 : last;
  }

  /** Whether the file has been read to its end once. */
  get isKnown(): boolean {
    return this.#end >= 0;
  }

  /** What comes after a mark is the newest batch. */
  beginAt(mark: Mark): void {
    this.#mark = mark;
  }

  hold(records: readonly Positioned<T>[]): void {
    this.#held.push(...records);
  }

  /** What the lines end with that are held. */
  endWith(seen: SeenBytes): void {
    if (this.isHeld) this.#seen = seen;
  }

  /** The lines that are held, and are no more. */
  release(): Positioned<T>[] {
    this.#seen = undefined;
    return this.#held.splice(0);
  }

  /** Whether another attempt has taken the place of the lines that are held. */
  async isReplaced(file: FileHandle): Promise<boolean> {
    return this.#seen !== undefined && !(await isThere(file, this.#seen));
  }

  /** It was taken back: returns where to read again, if that is known. */
  takeBack(): Mark | undefined {
    if (this.#mark) this.release();
    return this.#mark;
  }

  /** The file was read up to its end. A batch that is tried again and again ends in the same place, at another time. */
  noteEnd(end: number, changedNs: bigint): void {
    if (end !== this.#end || changedNs !== this.#changedNs) this.#endedMs = performance.now();
    this.#end = end;
    this.#changedNs = changedNs;
  }

  /** Whether it ends with its last whole line, or nothing more comes of it. */
  isWhole(byteOffset: number): boolean {
    return this.#end === byteOffset || performance.now() - this.#endedMs >= SETTLED_MS;
  }
}
