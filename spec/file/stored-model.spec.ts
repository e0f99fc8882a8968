import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import fc from 'fast-check';
import type { Subscription } from 'rxjs';
import type { Positioned } from 'rx-scrivener';
import { openFileScrivener, type FileScrivener, type FileScrivenerConfig } from 'rx-scrivener/file';
import { outcomeOf, turns } from './support/outcome';
import { useTempDir } from './support/temp-dir';

const path = useTempDir();

/** More of them find more: MODEL_RUNS=5000 npx jest spec/file/stored-model.spec.ts. MODEL_SEED repeats what failed. */
const RUNS = Number(process.env.MODEL_RUNS ?? 60);
const SEED = process.env.MODEL_SEED === undefined ? {} : { seed: Number(process.env.MODEL_SEED) };

type Command =
  | { do: 'write'; lengths: readonly number[] }
  | { do: 'writeAll'; lengths: readonly number[] }
  | { do: 'flush' }
  | { do: 'reopen' }
  | { do: 'crash'; torn: number }
  | { do: 'turns'; count: number }
  | { do: 'subscribe'; after: number }
  | { do: 'iterate'; after: number }
  | { do: 'unsubscribe'; which: number }
  | { do: 'return'; which: number }
  | { do: 'next'; which: number; count: number; waits: boolean }
  | { do: 'backward'; before: number; waits: boolean }
  | { do: 'waitFor'; after: number; position: number };

const length = fc.oneof(
  { weight: 12, arbitrary: fc.nat(30) },
  { weight: 1, arbitrary: fc.constantFrom(5_000, 40_000) },
);
const does = <D extends string>(...names: D[]) => fc.constantFrom(...names);
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: does('write'), lengths: fc.array(length, { minLength: 1, maxLength: 4 }) }) },
  { weight: 3, arbitrary: fc.record({ do: does('writeAll'), lengths: fc.array(length, { maxLength: 5 }) }) },
  { weight: 3, arbitrary: fc.record({ do: does('flush') }) },
  { weight: 1, arbitrary: fc.record({ do: does('reopen') }) },
  { weight: 2, arbitrary: fc.record({ do: does('crash'), torn: fc.oneof(fc.constant(0), fc.nat(250)) }) },
  { weight: 3, arbitrary: fc.record({ do: does('turns'), count: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 4, arbitrary: fc.record({ do: does('subscribe', 'iterate'), after: fc.nat(25) }) },
  { weight: 1, arbitrary: fc.record({ do: does('unsubscribe', 'return'), which: fc.nat(5) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: does('next'),
      which: fc.nat(5),
      count: fc.integer({ min: 1, max: 4 }),
      waits: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: does('backward'), before: fc.integer({ min: 1, max: 60 }), waits: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: does('waitFor'), after: fc.nat(30), position: fc.integer({ min: 1, max: 40 }) }),
  },
);

type Options = Omit<FileScrivenerConfig<string>, 'filePath'>;

const options: fc.Arbitrary<Options> = fc.record({
  retain: fc.constantFrom(1, 3, 10, Infinity),
  rotation: fc.constantFrom(
    undefined,
    { maxBytes: 1 },
    { maxBytes: 200 },
    { maxBytes: 1, compress: 'gzip' as const },
    { maxBytes: 400, compress: 'gzip' as const },
  ),
  checksum: fc.constantFrom(undefined, 'crc32' as const),
  flushThreshold: fc.integer({ min: 1, max: 5 }),
  flushIntervalMs: fc.constantFrom(0, Infinity),
  flushQueueCapacity: fc.constantFrom(1, 8),
  maxPending: fc.constantFrom(Infinity, 1, 4),
});

const show = ({ position, entry }: Positioned<string>) => `${position}=${entry.length > 40 ? entry.length : entry}`;
const showEnd = (error: unknown) =>
  error === undefined ? 'done' : error instanceof Error ? String(error) : 'no error';

/** A plain array, the journal it stands for, and those who read it. */
class Model {
  readonly entries: string[] = [];
  /** The positions at which an entry or a group ends. */
  readonly ends = new Set([0]);
  readonly checks: Promise<void>[] = [];
  readonly tails: { after: number; seen: string[]; subscription: Subscription; end: Promise<string>; open: boolean }[] =
    [];
  readonly iterators: {
    after: number;
    results: Promise<string>[];
    iterator: AsyncIterator<Positioned<string>>;
    open: boolean;
  }[] = [];

  constructor(public scrivener: FileScrivener<string>) {}

  get head(): number {
    return this.entries.length;
  }

  show(from: number, to: number): string[] {
    return this.entries.slice(from - 1, to).map((entry, index) => show({ position: from + index, entry }));
  }

  add(lengths: readonly number[]): string[] {
    return lengths.map((length, index) => `ü${this.head + index}-`.padEnd(length, 'x'));
  }

  async write(lengths: readonly number[]): Promise<void> {
    const head = this.head;
    const writes = this.add(lengths).map((entry) => {
      this.entries.push(entry);
      this.ends.add(this.head);
      return this.scrivener.write(entry, {});
    });
    expect(await Promise.all(writes)).toEqual(writes.map((_, index) => head + 1 + index));
  }

  async writeAll(lengths: readonly number[]): Promise<void> {
    const head = this.head;
    const group = this.add(lengths);
    this.entries.push(...group);
    this.ends.add(this.head);
    expect(await this.scrivener.writeAll(group, { expect: head })).toEqual(group.map((_, index) => head + 1 + index));
  }

  subscribe(after: number): void {
    const seen: string[] = [];
    let ended: (end: string) => void;
    const end = new Promise<string>((resolve) => (ended = resolve));
    const subscription = this.scrivener.tail(after).subscribe({
      next: (record) => seen.push(show(record)),
      error: (error: unknown) => ended(showEnd(error)),
      complete: () => ended('done'),
    });
    this.tails.push({ after, seen, subscription, end, open: true });
  }

  iterate(after: number): void {
    const iterator = this.scrivener.tail(after)[Symbol.asyncIterator]();
    this.iterators.push({ after, results: [], iterator, open: true });
  }

  async next({ which, count, waits }: { which: number; count: number; waits: boolean }): Promise<void> {
    const it = this.iterators[which];
    if (!it?.open) return;
    for (let i = 0; i < count; i++) {
      const isThere = it.after + it.results.length < this.head;
      const result = it.iterator.next().then(({ done, value }) => (done ? 'done' : show(value)), showEnd);
      it.results.push(result);
      if (waits && isThere) await result;
    }
  }

  backward(before: number): Promise<void> {
    const expected = this.show(1, Math.min(before - 1, this.head)).reverse();
    return outcomeOf(this.scrivener.readBackward(before)).then(({ values, error }) => {
      expect([...values.map(show), showEnd(error)]).toEqual([...expected, 'done']);
    });
  }

  waitFor(after: number, position: number): void {
    const wanted = Math.max(after + 1, position);
    const found = this.scrivener.waitFor(after, (entry) => entry.startsWith(`ü${wanted - 1}-`)).then(show, showEnd);
    this.checks.push(
      found.then((result) => {
        if (wanted <= this.head) expect([result]).toEqual(this.show(wanted, wanted));
        else expect(result).toContain('JournalClosedError');
      }),
    );
  }

  /** Closes the journal: every reader gets all of it, then the end. */
  async close(): Promise<void> {
    for (const it of this.iterators) {
      const read = it.results.length;
      // Some read on behind the end alone.
      if (it.open && read % 2 === 0) await this.next({ which: this.iterators.indexOf(it), count: 2, waits: false });
    }
    await this.scrivener.close();
    expect([this.scrivener.flushed, this.scrivener.head]).toEqual([this.head, this.head]);
    for (const { after, seen, end, open } of this.tails) {
      const all = this.show(after + 1, this.head);
      const last = open && (await end);
      if (open) expect([...seen, last]).toEqual([...all, 'done']);
      else expect(seen).toEqual(all.slice(0, seen.length));
    }
    for (const { after, results, iterator, open } of this.iterators) {
      while (open && after + results.length < this.head + 1) {
        results.push(iterator.next().then(({ done, value }) => (done ? 'done' : show(value)), showEnd));
      }
      const seen = await Promise.all(results);
      const read = open ? Infinity : seen.filter((result) => result !== 'done').length;
      const expected = this.show(after + 1, this.head).slice(0, read);
      expect(seen).toEqual([...expected, ...seen.slice(expected.length).map(() => 'done')]);
    }
    await Promise.all(this.checks);
    this.tails.length = this.iterators.length = this.checks.length = 0;
  }

  async holds(): Promise<void> {
    const { values } = await outcomeOf(this.scrivener.readBackward());
    expect(values.reverse().map(show)).toEqual(this.show(1, this.head));
    expect(this.scrivener.head).toBe(this.head);
  }
}

/** Copies a folder as it is at one moment; returns where to. */
function copy(from: string, to: string): string {
  const state = () =>
    JSON.stringify(
      readdirSync(from).map((name) => {
        const { ino, size, mtimeNs } = statSync(`${from}/${name}`, { bigint: true });
        return [name, ino, size, mtimeNs].map(String);
      }),
    );
  for (;;) {
    try {
      const before = state();
      mkdirSync(to);
      for (const name of readdirSync(from)) copyFileSync(`${from}/${name}`, `${to}/${name}`);
      if (state() === before && readdirSync(to).length === readdirSync(from).length) return to;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    to += '-';
  }
}

test(
  'whatever a stored journal goes through, it reads as an array, and a crash leaves a beginning of it',
  async () => {
    let serial = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 50, size: 'max' }), options, async (commands, options) => {
        const folder = path(`run-${++serial}`, 'journal');
        const open = (folder: string) =>
          openFileScrivener<string>({ filePath: `${folder}/journal.ndjson`, ...options });
        const model = new Model(await open(folder));
        let crashes = 0;
        try {
          for (const c of commands) {
            if (c.do === 'write') await model.write(c.lengths);
            else if (c.do === 'writeAll') await model.writeAll(c.lengths);
            else if (c.do === 'flush') {
              await model.scrivener.flush();
              expect(model.scrivener.flushed).toBe(model.head);
            } else if (c.do === 'turns') await turns(c.count);
            else if (c.do === 'subscribe') model.subscribe(c.after);
            else if (c.do === 'iterate') model.iterate(c.after);
            else if (c.do === 'next') await model.next(c);
            else if (c.do === 'waitFor') model.waitFor(c.after, c.position);
            else if (c.do === 'unsubscribe') {
              const tail = model.tails[c.which];
              tail?.subscription.unsubscribe();
              if (tail) tail.open = false;
            } else if (c.do === 'return') {
              const it = model.iterators[c.which];
              void it?.iterator.return!();
              if (it) it.open = false;
            } else if (c.do === 'backward') {
              const check = model.backward(c.before);
              model.checks.push(check);
              if (c.waits) await check;
            } else if (c.do === 'reopen') {
              await model.close();
              model.scrivener = await open(folder);
              expect(model.scrivener.recovered).toEqual({
                entries: model.head,
                lastPosition: model.head,
                truncatedBytes: 0,
              });
              await model.holds();
            } else {
              const { flushed } = model.scrivener;
              const { head } = model;
              const copied = copy(folder, `${folder}-crash-${++crashes}`);
              // The end of what was written last may not have come as far as the disk.
              const active = `${copied}/journal.ndjson`;
              if (existsSync(active)) truncateSync(active, Math.max(0, statSync(active).size - c.torn));
              const left = await open(copied);
              if (c.torn === 0) expect(left.head).toBeGreaterThanOrEqual(flushed);
              expect(left.head).toBeLessThanOrEqual(head);
              expect(model.ends).toContain(left.head);
              const more = await left.writeAll(['ü', 'ä']);
              expect(more).toEqual([left.head - 1, left.head]);
              await left.flush();
              const { values, error } = await outcomeOf(left.readBackward());
              expect(error).toBeUndefined();
              expect(values.reverse().map(show)).toEqual([
                ...model.show(1, left.head - 2),
                show({ position: left.head - 1, entry: 'ü' }),
                show({ position: left.head, entry: 'ä' }),
              ]);
              await left.close();
            }
            expect(model.scrivener.head).toBe(model.head);
            for (const { after, seen } of model.tails) {
              expect(seen).toEqual(model.show(after + 1, model.head).slice(0, seen.length));
            }
          }
          await model.holds();
          await model.close();
          model.scrivener = await open(folder);
          await model.holds();
        } finally {
          await model.scrivener.close();
          rmSync(path(`run-${serial}`), { recursive: true });
        }
      }),
      { numRuns: RUNS, timeout: 20_000, ...SEED },
    );
  },
  30_000 + RUNS * 500,
);
