// What ../leaks.spec.ts runs in a process of its own, so that the heap is its own, too.
import { getEventListeners, setMaxListeners } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Positioned } from 'rx-scrivener';
import { openFileScrivener, type FileScrivener } from 'rx-scrivener/file';

const [command, filePath = '', argument = ''] = process.argv.slice(2);

interface Entry {
  readonly n: number;
  readonly text: string;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** The files under a path that this process has open. */
function openDescriptors(path: string): string[] {
  return readdirSync('/proc/self/fd')
    .map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return ''; // the one that listed the directory
      }
    })
    .filter((target) => target.startsWith(path))
    .sort();
}

/** What is in use once everything due has settled, in bytes and descriptors. */
async function measure(): Promise<{ heap: number; buffers: number; descriptors: string[] }> {
  for (let i = 0; i < 10; i++) {
    await turn();
    collect();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { heap: heapUsed, buffers: arrayBuffers, descriptors: openDescriptors(dirname(filePath)) };
}

const open = (retain: number) =>
  openFileScrivener<Entry>({ filePath, retain, flushThreshold: 1_000, flushIntervalMs: 50 });

async function write(scrivener: FileScrivener<Entry>, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const n = scrivener.head + 1;
    scrivener.append({ n, text: `entry ${n}` });
    if (n % 5_000 === 0) await scrivener.flush();
  }
  await scrivener.flush();
}

/** Adds up what a reader has to see, and counts those that are wrong. */
class Seen {
  count = 0;
  wrong = 0;
  constructor(private last: number) {}
  readonly next = ({ position, entry }: Positioned<Entry>) => {
    if (position !== ++this.last || entry.n !== position) this.wrong++;
    this.count++;
  };
}

const programs: Record<string, () => Promise<unknown>> = {
  /** Writes so many entries, of which a thousand stay in memory. */
  async entries() {
    const total = Number(argument);
    const scrivener = await open(1_000);
    await write(scrivener, 20_000);
    const before = await measure();
    const start = performance.now();
    await write(scrivener, total - 20_000);
    const seconds = (performance.now() - start) / 1_000;
    const after = await measure();
    const seen = new Seen(0);
    await new Promise<void>((resolve, reject) => {
      const subscription = scrivener
        .tail(0, { caughtUp: () => resolve() })
        .subscribe({ next: seen.next, error: reject });
      setImmediate(() => subscription);
    });
    const read = await measure();
    await scrivener.close();
    return { before, after, read, seconds, count: seen.count, wrong: seen.wrong };
  },

  /** So many tailers come, are given something and leave: half subscribed and half iterating, half of each from the disk. */
  async tailers() {
    const total = Number(argument);
    const scrivener = await open(100);
    await write(scrivener, 300);
    const staying = new AbortController();
    const aborting = new AbortController();
    setMaxListeners(0, staying.signal, aborting.signal);
    const live = 3;

    const visit = async (count: number) => {
      const { head } = scrivener;
      const all: Seen[] = [];
      const leave: (() => unknown)[] = [];
      const arrived: Promise<unknown>[] = [];
      const over: Promise<unknown>[] = [];
      for (let i = 0; i < count; i++) {
        const after = i % 4 < 2 ? 0 : head;
        const aborts = i % 8 < 4;
        const { signal } = aborts ? aborting : staying;
        const seen = new Seen(after);
        all.push(seen);
        if (i % 2 === 0) {
          let subscription = { unsubscribe: () => {} };
          arrived.push(
            new Promise<void>((caughtUp, reject) => {
              subscription = scrivener.tail(after, { signal, caughtUp: () => caughtUp() }).subscribe({
                next: seen.next,
                error: reject,
              });
            }),
          );
          if (!aborts) leave.push(() => subscription.unsubscribe());
        } else {
          const iterator = scrivener.tail(after, { signal })[Symbol.asyncIterator]();
          const next = () => iterator.next().then(({ done, value }) => (done ? undefined : seen.next(value)));
          if (after === 0) arrived.push(next().then(next));
          else
            over.push(
              next()
                .then(next)
                .then(next)
                .then(next)
                .catch(() => undefined),
            );
          if (!aborts) leave.push(() => iterator.return!());
        }
      }
      await Promise.all(arrived);
      await write(scrivener, live);
      await turn();
      const present = await measure();
      const listeners = getEventListeners(staying.signal, 'abort').length;
      for (const go of leave) await go();
      aborting.abort(new Error('Leave'));
      await Promise.all(over);
      return {
        present,
        listeners,
        counts: [0, 1, 2, 3].map((kind) => [
          ...new Set(all.filter((_, i) => i % 4 === kind).map(({ count }) => count)),
        ]),
        wrong: all.reduce((sum, { wrong }) => sum + wrong, 0),
      };
    };

    const before = await measure();
    const visited = await visit(total);
    const { length } = visited.present.descriptors;
    const after = await measure();
    const left = [staying, aborting].map(({ signal }) => getEventListeners(signal, 'abort').length);
    await scrivener.close();
    return {
      before,
      ...visited,
      present: { ...visited.present, descriptors: length },
      after,
      left,
      peak: process.resourceUsage().maxRSS,
    };
  },
};

void programs[command!]!().then(
  (result) => process.stdout.write(JSON.stringify(result) + '\n', () => process.exit(0)),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
