// What shared.spec.ts runs in processes of their own.
import { createInterface } from 'node:readline';
import { ScrivenerError } from 'rx-scrivener';
import { openSharedScrivener } from 'rx-scrivener/shared';

const [filePath = '', who = '', count = '0'] = process.argv.slice(2);
const say = (...words: unknown[]) => process.stdout.write(words.join(' ') + '\n');

/** Says each entry that it reads and each that was acknowledged, and closes when it is told to. */
async function main(): Promise<void> {
  const scrivener = await openSharedScrivener<string>({ filePath });
  scrivener.role$.subscribe((role) => say('role', role));
  scrivener.tail().subscribe({
    next: ({ position, entry }) => say('saw', position, entry),
    error: (error: unknown) => say('failed', (error as Error).name),
  });
  const commands = createInterface({ input: process.stdin });
  commands.once('line', () => {
    commands.close();
    process.stdin.destroy(); // the parent keeps the other end open, which would keep this process
    void scrivener.close().then(() => say('closed'));
  });
  for (let n = 1; n <= Number(count); n++) {
    const entry = `${who}.${n}`;
    try {
      say('acknowledged', await scrivener.write(entry), entry);
    } catch (error) {
      say('rejected', entry, ScrivenerError.is(error) ? error.code : String(error));
    }
  }
  say('written');
}

void main();
