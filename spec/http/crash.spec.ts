import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { lastValueFrom, takeWhile, toArray } from 'rxjs';
import { openRemoteScrivener } from 'rx-scrivener/http';
import { buildProgram } from '../file/support/build-program';

const ROOT = resolve(__dirname, '../..');

interface Entry {
  readonly by: string;
  readonly n: number;
}

let dir = '';
let child: ChildProcess;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'rx-scrivener-http-'));
  buildProgram(join(__dirname, 'support/server-program.ts'), join(dir, 'server.cjs'));
});
afterAll(async () => {
  await crash();
  rmSync(dir, { recursive: true, force: true });
});

/** Starts the server on a port, and returns which one it got. */
async function start(port: number): Promise<number> {
  const args = [join(dir, 'server.cjs'), join(dir, 'journal.ndjson'), String(port)];
  child = spawn(process.execPath, args, {
    env: { ...process.env, NODE_PATH: join(ROOT, 'node_modules') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout!, 'data')) as [Buffer];
  return Number(line.toString());
}

async function crash(): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

test('a server that is killed and started again in the middle of tails and writes loses and doubles nothing', async () => {
  const port = await start(0);
  await using remote = await openRemoteScrivener<Entry>({ url: `http://127.0.0.1:${port}/` });
  const LAST = { by: 'client', n: -1 };
  const tailing = lastValueFrom(
    remote.tail().pipe(
      takeWhile(({ entry }) => entry.n !== LAST.n, true),
      toArray(),
    ),
  );

  const confirmed = new Map<number, number>();
  const uncertain = new Set<number>();
  const over = new AbortController();
  const writing = (async () => {
    for (let n = 1; !over.signal.aborted; n++) {
      try {
        confirmed.set(n, await remote.write({ by: 'client', n }));
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_WRITE_UNCERTAIN' });
        uncertain.add(n);
      }
    }
  })();

  for (let round = 1; round <= 4; round++) {
    while (confirmed.size < 10 * round) await remote.waitFor(remote.head, () => true);
    await crash();
    await start(port);
  }
  over.abort();
  await writing;
  await remote.write(LAST);

  const records = await tailing;
  expect(records.map(({ position }) => position)).toEqual(records.map((_, index) => index + 1));
  const written = new Map<number, number[]>();
  for (const { position, entry } of records) {
    if (entry.by === 'client') written.set(entry.n, [...(written.get(entry.n) ?? []), position]);
  }
  expect(confirmed.size).toBeGreaterThan(10);
  for (const [n, position] of confirmed) expect([n, written.get(n)]).toEqual([n, [position]]);
  for (const n of uncertain) expect((written.get(n) ?? []).length).toBeLessThanOrEqual(1);
  const stored = await lastValueFrom(remote.readBackward(records.length + 1).pipe(toArray()));
  expect(stored.reverse()).toEqual(records);
}, 60_000);
