// What faults.spec.ts runs in processes of their own.
import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { ScrivenerError } from 'rx-scrivener';
import { openSharedScrivener } from 'rx-scrivener/shared';

const [filePath = '', who = ''] = process.argv.slice(2);
const IN_FLIGHT = 4;
const PAUSE_MS = 10;
const EACH = 100;

const say = (...words: unknown[]) => process.stdout.write(words.join(' ') + '\n');

/** Writes, several at a time, until it is told to finish, and says what its tail adds up to. */
async function main(): Promise<void> {
  const scrivener = await openSharedScrivener<string>({ filePath });
  const commands = createInterface({ input: process.stdin });
  const finishing = new AbortController();
  commands.on('line', (command) => {
    if (command === 'finish') finishing.abort();
    else reach(Number(command));
  });
  scrivener.role$.subscribe((role) => say('role', role));

  const hash = createHash('sha256');
  let [last, end] = [0, Infinity];
  const tell = () => say('saw', last, hash.copy().digest('hex'));
  const reach = (position: number) => {
    end = position;
    if (last >= end) tell();
  };
  scrivener.tail().subscribe({
    next: ({ position, entry }) => {
      hash.update(`${position} ${entry}\n`);
      last = position;
      if (last % EACH === 0 || last === end) tell();
    },
    error: (error: unknown) => say('failed', String(error)),
    complete: () => say('failed', 'the tail has ended'),
  });

  const write = async (n: number) => {
    try {
      say('acknowledged', await scrivener.write(`${who}.${n}`), n);
    } catch (error) {
      say('rejected', n, ScrivenerError.is(error) ? error.code : String(error));
    }
  };
  for (let n = 1; !finishing.signal.aborted; n += IN_FLIGHT) {
    await Promise.all(Array.from({ length: IN_FLIGHT }, (_, index) => write(n + index)));
    await delay(PAUSE_MS);
  }
  say('finished');
}

void main();
