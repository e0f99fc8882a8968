import asciichart from 'asciichart';

const MAX_HEIGHT = 8;
const COLUMN = 6;
/** The axis would cover shorter labels. */
const MIN_LABEL = 3;
/** The library's own, but for the first: it would mark zero, and does so at the wrong end. */
const SYMBOLS = ['┤', '┤', '╶', '╴', '─', '╰', '╭', '╮', '╯', '│'];
const UNITS = ['', 'K', 'M', 'G'];

/** How many sizes there are up to each power of two. */
export class Sizes {
  /** At `n`: sizes above 2^(n-1), up to 2^n. */
  readonly #counts: number[] = [];

  add(bytes: number): void {
    const power = Math.ceil(Math.log2(bytes));
    while (this.#counts.length <= power) this.#counts.push(0);
    this.#counts[power]!++;
  }

  /** From the smallest size that occurs to the largest. */
  get buckets(): { readonly upToBytes: number; readonly entries: number }[] {
    const first = Math.max(
      0,
      this.#counts.findIndex((count) => count > 0),
    );
    return this.#counts.slice(first).map((entries, index) => ({ upToBytes: 2 ** (first + index), entries }));
  }

  /** A chart for a terminal, with the sizes below its columns. */
  chart(): string[] {
    const buckets = this.buckets;
    if (buckets.length === 0) return [];
    const counts = buckets.flatMap(({ entries }) => new Array<number>(COLUMN).fill(entries));
    const most = Math.max(...counts);
    const width = Math.max(MIN_LABEL, String(most).length);
    const plot = asciichart.plot([0, ...counts, 0], {
      min: 0,
      height: Math.min(MAX_HEIGHT, most),
      symbols: SYMBOLS,
      format: (count) => String(Math.round(count)).padStart(width),
    });
    const labels = buckets.map(({ upToBytes }) => `≤${short(upToBytes)}`.padStart(COLUMN)).join('');
    return [...plot.split('\n').map((row) => row.trimEnd()), ' '.repeat(width + 2) + labels];
  }
}

function short(bytes: number): string {
  const unit = Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${bytes / 1024 ** unit}${UNITS[unit]}`;
}
