import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Positioned } from 'rx-scrivener';
import { NEVER } from 'rxjs';
import { rowsOf, search, survey } from '../../../lib/cli/viewer/answers';
import { JournalLines, type OpenJournal } from '../../../lib/cli/viewer/journal-lines';
import type { Line } from '../../../lib/cli/viewer/line';
import type { LineSource } from '../../../lib/cli/viewer/line-source';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const MB = 1_000_000;
const entryOf = (n: number) => ({ at: 1.7e12 + n, text: `${n} ${'x'.repeat(MB)}` });
const lineOf = (n: number): Line => {
  const entry = entryOf(n);
  const text = JSON.stringify(entry);
  return { n, position: n, text, entry, bytes: text.length };
};

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Ten thousand lines of 1 MB, each made when it is read. Says how many are held at most, looking after each `every`. */
class Large implements Partial<LineSource> {
  readonly extent = { first: 1, head: 10_000, generation: 1 };
  readonly samples = 60;
  read = 0;
  most = 0;
  readonly #every: number;
  readonly #made: WeakRef<object>[] = [];

  constructor(every = Infinity) {
    this.#every = every;
  }

  async *lines(from: number, to: number): AsyncGenerator<Line, void> {
    for (let n = from; n <= Math.min(to, this.extent.head); n++) {
      await this.#look();
      yield this.#note(lineOf(n));
    }
  }

  async *records(before: number): AsyncGenerator<Positioned<unknown>> {
    for (let position = before - 1; position > 0; position--) {
      await this.#look();
      yield { position, entry: this.#note(entryOf(position)) };
    }
  }

  #note<O extends object>(made: O): O {
    this.read++;
    this.#made.push(new WeakRef(made));
    return made;
  }

  async #look(): Promise<void> {
    if (this.read % this.#every !== 0) return;
    // What was looked at in a turn is held until its end.
    await turn();
    collect();
    this.most = Math.max(this.most, this.#made.filter((line) => line.deref() !== undefined).length);
  }

  get source(): LineSource {
    return this as Partial<LineSource> as LineSource;
  }
}

test('the rows of an answer keep nothing of their lines but what is shown', async () => {
  const large = new Large();
  const held: object[] = [];
  await rowsOf(large.source, 1, 2);
  await turn();
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let n = 1; n <= 50; n++) held.push(await rowsOf(large.source, n, n));
  await turn();
  collect();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(5 * MB);
  expect(held.flat()).toMatchObject(Array.from({ length: 50 }, (_, i) => ({ n: i + 1 })));
});

test('an answer ends after so many bytes; a search, too', async () => {
  const large = new Large();
  const rows = await rowsOf(large.source, 1, 500);
  expect(rows.map(({ n }) => n)).toEqual(Array.from({ length: rows.length }, (_, i) => i + 1));
  expect([rows.length, large.read]).toEqual([17, 17]);
  const { before } = await search(large.source, 'nowhere', { from: 1, before: 10_001 });
  const searched = large.read - rows.length;
  expect(before).toBe(10_001 - searched);
  expect(searched).toBeLessThanOrEqual(48);
});

test('a survey holds a few of its lines at a time', async () => {
  const large = new Large(16);
  const { samples } = await survey(large.source);
  expect(samples).toHaveLength(60);
  expect(samples[0]).toEqual({ n: 1, type: undefined, time: 1.7e12 + 1 });
  expect(large.most).toBeLessThan(25);
});

test('a type that is too long to be a name is shown as any other field', async () => {
  const line = { ...lineOf(1), entry: { type: 'x'.repeat(MB), n: 1 } };
  const lines = async function* () {
    yield line;
  };
  const [row] = await rowsOf({ lines } as Partial<LineSource> as LineSource, 1, 1);
  expect(row).toMatchObject({ type: undefined, summary: `type: "${'x'.repeat(293)}` });
});

test('of a served journal, a few entries are held at a time', async () => {
  const large = new Large(5);
  const head = 10_000;
  const served: Partial<OpenJournal> = {
    head,
    tail: () => NEVER as never,
    readBackward: ((before: number) => large.records(before)) as never,
    close: async () => undefined,
  };
  const lines = new JournalLines(served as OpenJournal, 'served');
  const numbers: number[] = [];
  for await (const { n } of lines.lines(9_901, 10_000)) numbers.push(n);
  expect(numbers).toEqual(Array.from({ length: 100 }, (_, i) => 9_901 + i));
  expect(large.most).toBeLessThan(15);
  await lines.close();
});
