import { fork } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { openSharedScrivener } from 'rx-scrivener/shared';
import { compare, median, perStep } from '../compare.mjs';
import { entry } from '../entry.mjs';
import { countLines } from '../lines.mjs';
import { openPeer } from '../peers.mjs';
import { temporaryFile } from '../temporary-file.mjs';

const WRITER = fileURLToPath(new URL('../writer.mjs', import.meta.url));
const PROCESSES = 8;
/** Of each process. */
const COUNT = 10_000;
const IN_FLIGHT = 64;

async function startWriter(kind, path) {
  const writer = fork(WRITER, [kind, path], { execArgv: [] });
  await once(writer, 'message');
  return writer;
}

/** The nanoseconds an entry that so many processes take to write so many each. */
async function together(kind, path, processes, count) {
  const writers = [];
  for (let n = 0; n < processes; n++) writers.push(await startWriter(kind, path));
  const figure = await perStep(processes * count, () =>
    Promise.all(
      writers.map((writer) => {
        writer.send(count);
        return once(writer, 'message');
      }),
    ),
  );
  for (const writer of writers) writer.disconnect();
  await Promise.all(writers.map((writer) => once(writer, 'exit')));
  return figure;
}

async function journal(processes, count) {
  const path = temporaryFile();
  const figure = await together('journal', path, processes, count);
  check(await countLines(path), processes * count);
  await rm(path);
  return figure;
}

async function sqlite() {
  const path = temporaryFile();
  await (await openPeer('better-sqlite3', path)).close();
  const figure = await together('sqlite', path, PROCESSES, COUNT);
  const store = await openPeer('better-sqlite3', path);
  check(store.count(), PROCESSES * COUNT);
  store.close();
  await rm(path);
  return figure;
}

function check(count, expected) {
  if (count !== expected) throw new Error(`Expected ${expected} entries, got ${count}`);
}

/** A journal that this process has, and one that another has. */
async function asGuestAndHolder(run) {
  const filePath = temporaryFile();
  const other = await startWriter('journal', filePath);
  const guest = await openSharedScrivener({ filePath });
  const holder = await openSharedScrivener({ filePath: temporaryFile() });
  if (guest.role !== 'guest' || holder.role !== 'holder') throw new Error('Expected a guest and a holder');
  const figures = await run(guest, holder);
  await guest.close();
  await holder.close();
  other.disconnect();
  return figures;
}

/** Milliseconds from the kill of the holder until a guest's write is acknowledged; and those of a write before it. */
async function takeover() {
  const filePath = temporaryFile();
  const holder = await startWriter('journal', filePath);
  const guest = await openSharedScrivener({ filePath });
  holder.send(10_000);
  await once(holder, 'message');
  await guest.write(entry(0));
  const start = performance.now();
  await guest.write(entry(1));
  const theirs = performance.now() - start;
  holder.kill('SIGKILL');
  const killed = performance.now();
  for (let n = 2; ; n++) {
    try {
      await guest.write(entry(n));
      break;
    } catch (error) {
      if (error.code !== 'ERR_WRITE_UNCERTAIN') throw error;
    }
  }
  const ours = performance.now() - killed;
  if (guest.role !== 'holder') throw new Error('Expected the guest to have the file');
  await guest.close();
  return { ours, theirs };
}

/** The nanoseconds of a write, with so many in flight. */
function flood(scrivener, count, inFlight) {
  return perStep(count, async () => {
    let next = 0;
    const lane = async () => {
      while (next < count) await scrivener.write(entry(next++));
    };
    await Promise.all(Array.from({ length: inFlight }, lane));
  });
}

const ROWS = {
  lone: {
    what: 'shared journal: a lone `write` of a guest',
    against: '`write` of the holder',
    atMost: 300,
    unit: 'µs a write',
    difference: true,
    run: () =>
      asGuestAndHolder((guest, holder) => {
        const inMicroseconds = async (scrivener) => (await flood(scrivener, 500, 1)) / 1_000;
        return compare({ difference: true, ours: () => inMicroseconds(guest), theirs: () => inMicroseconds(holder) });
      }),
  },
  'in-flight': {
    what: `shared journal: \`write\` of a guest, ${IN_FLIGHT} in flight`,
    against: '`write` of the holder, likewise',
    atMost: 1.5,
    unit: 'ns an entry',
    run: () =>
      asGuestAndHolder((guest, holder) =>
        compare({ ours: () => flood(guest, COUNT, IN_FLIGHT), theirs: () => flood(holder, COUNT, IN_FLIGHT) }),
      ),
  },
  'one-process': {
    what: `shared journal: ${PROCESSES} processes that write ${COUNT} entries each, ${IN_FLIGHT} in flight`,
    against: `one process that writes ${PROCESSES * COUNT}, likewise`,
    atMost: 3,
    unit: 'ns an entry',
    run: () =>
      compare({
        rounds: 5,
        warmUps: 1,
        ours: () => journal(PROCESSES, COUNT),
        theirs: () => journal(1, PROCESSES * COUNT),
      }),
  },
  'better-sqlite3': {
    what: `shared journal: ${PROCESSES} processes that write ${COUNT} entries each, ${IN_FLIGHT} in flight`,
    against: `better-sqlite3: JSON, WAL, \`synchronous = OFF\`, a transaction each, in ${PROCESSES} processes`,
    atMost: 1,
    unit: 'ns an entry',
    run: () => compare({ rounds: 5, warmUps: 1, ours: () => journal(PROCESSES, COUNT), theirs: sqlite }),
  },
  takeover: {
    what: 'shared journal: from the kill of the holder to the first `write` that a guest has acknowledged',
    against: 'a `write` before it',
    atMost: 250,
    unit: 'ms',
    absolute: true,
    run: async () => {
      const rounds = [];
      for (let round = 0; round < 9; round++) rounds.push(await takeover());
      const ratios = rounds.map(({ ours }) => ours);
      return {
        ours: median(ratios),
        theirs: median(rounds.map(({ theirs }) => theirs)),
        ratio: median(ratios),
        ratios,
      };
    },
  },
};

export const rowOf = (variant) => ROWS[variant];
