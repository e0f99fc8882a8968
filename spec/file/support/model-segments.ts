import type { Rotation } from 'rx-scrivener/file';

interface ModelSegment {
  readonly first: number;
  bytes: number;
}

/** What fails may be the rotation behind the one under way, and what that did not retire is retired with the one behind it. */
const DELAY = 3;

/** Which files a journal is in, and what of it was retired, as the documentation says: by the sizes of the batches that were flushed. */
export class ModelSegments {
  readonly #rotation: Rotation;
  /** Where files have begun. */
  readonly #begins = new Set([1]);
  #closed: ModelSegment[] = [];
  #active: ModelSegment = { first: 1, bytes: 0 };
  #last = 0;
  /** The oldest position that is known to be there no more, and the one behind it. */
  #first = 1;
  #delay = 0;

  constructor(rotation: Rotation = {}) {
    this.#rotation = rotation;
  }

  /** The last position that is flushed. */
  get last(): number {
    return this.#last;
  }

  /** Whether it is known how much is retired: not where what is compressed counts, nor where anything is old at once. */
  get isExact(): boolean {
    const { keep = {}, compress } = this.#rotation;
    return this.#delay === 0 && keep.ageMs !== 0 && (keep.bytes === undefined || compress === undefined);
  }

  /** The oldest position that is there, at the least; exactly that while nothing is flushed. */
  get first(): number {
    return this.isExact ? (this.#closed[0] ?? this.#active).first : this.#first;
  }

  /** The oldest position that is there, at the most: the batch under way may have rotated. */
  get firstAtMost(): number {
    const closed = this.#isDue ? [...this.#closed, this.#active] : this.#closed;
    const active = this.#isDue ? this.#last + 1 : this.#active.first;
    const mayAll = !this.isExact && this.#rotation.keep !== undefined;
    return mayAll ? active : (this.#kept(closed)[0]?.first ?? active);
  }

  flush(last: number, bytes: number): void {
    if (this.#isDue) {
      this.#first = this.first;
      this.#closed = this.#kept([...this.#closed, this.#active]);
      this.#active = { first: this.#last + 1, bytes: 0 };
      this.#begins.add(this.#active.first);
      if (this.#delay > 0) this.#delay--;
    }
    this.#last = last;
    this.#active.bytes += bytes;
  }

  /** A rotation may have failed half way. */
  delay(): void {
    this.#first = this.first;
    this.#delay = DELAY;
  }

  /** Checks a first position that was found when `least` was the first: whole files are retired, oldest first, and none that has to be kept. */
  find(first: number, least = this.first): void {
    expect(first).toBeGreaterThanOrEqual(least);
    expect(first).toBeLessThanOrEqual(this.firstAtMost);
    expect([...this.#begins, this.#last + 1]).toContain(first);
    if (this.#delay === 0) this.#first = Math.max(this.#first, first);
  }

  get #isDue(): boolean {
    return this.#active.bytes >= Math.max(1, this.#rotation.maxBytes ?? Infinity);
  }

  #kept(closed: readonly ModelSegment[]): ModelSegment[] {
    const { segments = Infinity, bytes = Infinity } = this.#rotation.keep ?? {};
    const kept = [...closed];
    const total = () => kept.reduce((sum, segment) => sum + segment.bytes, 0);
    while (kept.length > segments || total() > bytes) kept.shift();
    return kept;
  }
}
