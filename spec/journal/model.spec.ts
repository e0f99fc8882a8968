import fc from 'fast-check';
import type { Subscription } from 'rxjs';
import { END, InMemoryScrivener, PositionTrimmedError, type Positioned } from 'rx-scrivener';
import { settle } from './settle';

type Command =
  | { do: 'append'; count: number }
  | { do: 'subscribe' | 'iterate'; after: number }
  | { do: 'unsubscribe' | 'next' | 'return'; which: number }
  | { do: 'backward'; before: number }
  | { do: 'complete' };

const position = fc.oneof(
  { weight: 12, arbitrary: fc.nat(30) },
  { weight: 1, arbitrary: fc.constantFrom(END, END - 1) },
);
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('append' as const), count: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('subscribe' as const, 'iterate' as const), after: position }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('next' as const), which: fc.nat(5) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('unsubscribe' as const, 'return' as const), which: fc.nat(5) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('backward' as const), before: position }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('complete' as const) }) },
);

/** A plain array, and what readers of it have to see. */
class Model {
  readonly entries: number[] = [];
  completed = false;
  constructor(readonly retain: number) {}
  get head() {
    return this.entries.length;
  }
  get first() {
    return Math.max(1, this.head - this.retain + 1);
  }
  show(position: number) {
    return `${position}=${this.entries[position - 1]}`;
  }
  /** The next of a reader behind `after`, undefined while it has to wait. */
  read(after: number): string | undefined {
    if (after < this.head) return after + 1 < this.first ? `trimmed ${after + 1} ${this.first}` : this.show(after + 1);
    return this.completed || after === END ? 'done' : undefined;
  }
}

const show = ({ position, entry }: Positioned<number>) => `${position}=${entry}`;
const showError = (error: unknown) =>
  error instanceof PositionTrimmedError ? `trimmed ${error.requested} ${error.first}` : `error ${String(error)}`;

test('any interleaving of writing and reading is that of an array', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(command, { maxLength: 60, size: 'max' }),
      fc.constantFrom(1, 2, 5, Infinity),
      async (commands, retain) => {
        const scrivener = new InMemoryScrivener<number>({ retain });
        const model = new Model(retain);
        const tails: { subscription: Subscription; log: string[]; expected: string[]; after: number; open: boolean }[] =
          [];
        const iterators: {
          iterator: AsyncIterator<Positioned<number>, undefined>;
          log: string[];
          expected: string[];
          after: number;
          waiting: number;
          done: boolean;
        }[] = [];

        const advanceTail = (tail: (typeof tails)[number]) => {
          while (tail.open) {
            const seen = model.read(tail.after);
            if (seen === undefined) return;
            tail.expected.push(seen);
            tail.after++;
            if (seen === 'done' || seen.startsWith('trimmed')) tail.open = false;
          }
        };
        const advanceIterator = (it: (typeof iterators)[number]) => {
          while (it.waiting > 0) {
            const seen = it.done ? 'done' : model.read(it.after);
            if (seen === undefined) return;
            it.expected.push(seen);
            it.waiting--;
            it.after++;
            if (seen === 'done' || seen.startsWith('trimmed')) it.done = true;
          }
        };
        const advance = () => {
          tails.forEach(advanceTail);
          iterators.forEach(advanceIterator);
        };

        let serial = 0;
        for (const c of commands) {
          switch (c.do) {
            case 'append':
              for (let i = 0; i < c.count; i++) {
                const entry = ++serial * 7;
                scrivener.next(entry);
                if (!model.completed) model.entries.push(entry);
                advance();
              }
              break;
            case 'complete':
              scrivener.complete();
              model.completed = true;
              advance();
              break;
            case 'subscribe': {
              const log: string[] = [];
              const subscription = scrivener.tail(c.after).subscribe({
                next: (record) => log.push(show(record)),
                error: (error: unknown) => log.push(showError(error)),
                complete: () => log.push('done'),
              });
              const tail = { subscription, log, expected: [], after: c.after, open: true };
              tails.push(tail);
              advanceTail(tail);
              break;
            }
            case 'unsubscribe': {
              const tail = tails[c.which];
              if (tail === undefined) break;
              tail.subscription.unsubscribe();
              tail.open = false;
              break;
            }
            case 'iterate':
              iterators.push({
                iterator: scrivener.tail(c.after)[Symbol.asyncIterator]() as AsyncIterator<
                  Positioned<number>,
                  undefined
                >,
                log: [],
                expected: [],
                after: c.after,
                waiting: 0,
                done: false,
              });
              break;
            case 'next': {
              const it = iterators[c.which];
              if (it === undefined) break;
              it.iterator.next().then(
                ({ done, value }) => it.log.push(done ? 'done' : show(value)),
                (error: unknown) => it.log.push(showError(error)),
              );
              it.waiting++;
              advanceIterator(it);
              break;
            }
            case 'return': {
              const it = iterators[c.which];
              if (it === undefined) break;
              void it.iterator.return!();
              it.done = true;
              advanceIterator(it);
              break;
            }
            case 'backward': {
              const log: string[] = [];
              const expected: string[] = [];
              scrivener.readBackward(c.before).subscribe({
                next: (record) => log.push(show(record)),
                error: (error: unknown) => log.push(showError(error)),
                complete: () => log.push('done'),
              });
              let at = Math.min(c.before - 1, model.head);
              for (; at >= model.first; at--) expected.push(model.show(at));
              expected.push(at >= 1 ? `trimmed ${at} ${model.first}` : 'done');
              expect(log).toEqual(expected);
              break;
            }
          }
          for (const tail of tails) expect(tail.log).toEqual(tail.expected);
          expect(scrivener.head).toBe(model.head);
        }
        await settle();
        for (const it of iterators) expect(it.log).toEqual(it.expected);
        expect(scrivener.observed).toBe(tails.some(({ open }) => open) || iterators.some(({ waiting }) => waiting > 0));
      },
    ),
    { numRuns: 300 },
  );
});

interface Reaction {
  at: number;
  by: number;
  do: 'append' | 'append2' | 'subscribe' | 'unsubscribe' | 'complete' | 'nothing';
}

test('whatever subscribers do inside next, each sees every position after its own, once and ascending', () => {
  const reaction: fc.Arbitrary<Reaction> = fc.record({
    at: fc.integer({ min: 1, max: 12 }),
    by: fc.nat(4),
    do: fc.constantFrom('append', 'append2', 'subscribe', 'unsubscribe', 'complete', 'nothing'),
  });
  fc.assert(
    fc.property(
      fc.array(reaction, { maxLength: 15 }),
      fc.nat(4),
      fc.array(fc.nat(4), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 4 }),
      (reactions, held, starts, written) => {
        const scrivener = new InMemoryScrivener<number>();
        const readers: { after: number; seen: number[]; ended: number; subscription?: Subscription; left: boolean }[] =
          [];
        const violations: unknown[] = [];
        const subscribe = (after: number) => {
          const me = readers.length;
          const reader: (typeof readers)[number] = { after, seen: [], ended: 0, left: false };
          readers.push(reader);
          reader.subscription = scrivener.tail(after).subscribe({
            next: (record) => {
              if (reader.left || record.entry !== record.position) violations.push(record);
              reader.seen.push(record.position);
              for (const r of reactions) {
                if (r.at !== record.position || r.by !== me) continue;
                if (r.do === 'append' || r.do === 'append2') scrivener.next(scrivener.head + 1);
                if (r.do === 'append2') scrivener.next(scrivener.head + 1);
                if (r.do === 'subscribe' && readers.length < 8) subscribe(Math.max(0, r.at - 2));
                if (r.do === 'complete') scrivener.complete();
                if (r.do === 'unsubscribe') {
                  const victim = readers[(me + 1) % readers.length]!;
                  if (victim.subscription === undefined) continue;
                  victim.subscription.unsubscribe();
                  victim.left = true;
                }
              }
            },
            complete: () => reader.ended++,
          });
        };
        for (let n = 1; n <= held; n++) scrivener.append(n);
        for (const after of starts) subscribe(after);
        for (let n = 0; n < written; n++) scrivener.next(scrivener.head + 1);
        scrivener.complete();
        for (const reader of readers) {
          const all = Array.from(
            { length: Math.max(0, scrivener.head - reader.after) },
            (_, n) => reader.after + 1 + n,
          );
          expect(reader.seen).toEqual(reader.left ? all.slice(0, reader.seen.length) : all);
          if (!reader.left) expect(reader.ended).toBe(1);
          expect(reader.ended).toBeLessThanOrEqual(1);
        }
        expect(violations).toEqual([]);
        expect(scrivener.observed).toBe(false);
      },
    ),
    { numRuns: 1000 },
  );
});
