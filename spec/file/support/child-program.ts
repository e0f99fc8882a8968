// What the specs run in a process of its own: see ./child.ts.
import { appendFileSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';
import { NEVER } from 'rxjs';
import { AdapterHost, consume, JsonEntrySerializer } from 'rx-scrivener';
import { FileAppendSink, FileBookmarkStore, openFileScrivener, type FileScrivenerConfig } from 'rx-scrivener/file';
import { matrixStep, type MatrixEntry } from './matrix-entries';

const [command, filePath = '', argument = ''] = process.argv.slice(2);
const say = (text: string) => process.stdout.write(text + '\n');
const commands = createInterface({ input: process.stdin });
const told = new Promise<string>((resolve) => commands.once('line', resolve));

const programs: Record<string, () => Promise<void>> = {
  /** Holds a journal open until it is told anything. */
  async hold() {
    const scrivener = await openFileScrivener<{ n: number }>({ filePath });
    await scrivener.write({ n: scrivener.head + 1 });
    await scrivener.flush();
    say('open');
    await told;
    await scrivener.close();
    say('closed');
  },

  /** Writes what it is told, and says what is handled from the bookmark on. */
  async consume() {
    const scrivener = await openFileScrivener<string>({ filePath });
    const bookmarks = new FileBookmarkStore(argument);
    consume(scrivener, bookmarks, ({ entry }) => void say(`handled ${entry}`)).subscribe();
    commands.on('line', (text) => void scrivener.write(text));
    say('open');
    await new Promise(() => undefined);
  },

  /** As `consume`, by a host. */
  async host() {
    const scrivener = await openFileScrivener<string>({ filePath });
    const host = new AdapterHost<string, string>({
      scrivener,
      codec: { toEntry: (text) => text, toMessage: (text) => text },
      adapter: { incoming: NEVER, deliver: (text) => void say(`handled ${text}`) },
      bookmarks: new FileBookmarkStore(argument),
    });
    await host.start();
    commands.on('line', (text) => void scrivener.write(text));
    say('open');
    await new Promise(() => undefined);
  },

  /** Writes five entries, and ends as it is told. */
  async end() {
    commands.close();
    process.stdin.destroy();
    const [way = '', options = '{}'] = argument.split(' ');
    const config = { filePath, flushIntervalMs: Infinity, ...(JSON.parse(options) as object) };
    const scrivener = await openFileScrivener<unknown>(config);
    const text = process.env.TEXT_LENGTH ? 'x'.repeat(Number(process.env.TEXT_LENGTH)) : 'x';
    const write = async () => {
      for (let n = 1; n <= 5; n++) await scrivener.write({ n, text });
    };
    const ways: Record<string, () => unknown> = {
      naturally: write,
      exit: async () => {
        await write();
        process.exit(0);
      },
      synchronously: () => {
        for (let n = 1; n <= 5; n++) scrivener.append({ n, text });
        process.exit(0);
      },
      error: async () => {
        await write();
        setImmediate(() => {
          throw new Error('nobody catches this');
        });
      },
      groups: async () => {
        await scrivener.writeAll([
          { n: 1, text },
          { n: 2, text },
        ]);
        await scrivener.writeAll([
          { n: 3, text },
          { n: 4, text },
          { n: 5, text },
        ]);
        process.exit(0);
      },
      'in-flight': () => {
        // Larger than what is written in one system call, and ended while the thread pool is at it.
        if (process.env.AS_GROUP) {
          void scrivener.writeAll(
            Array.from({ length: 5 }, (_, index) => ({ n: index + 1, text: 'x'.repeat(3_000_000) })),
          );
        } else for (let n = 1; n <= 5; n++) scrivener.append({ n, text: 'x'.repeat(3_000_000) });
        void scrivener.flush().catch(() => undefined);
        setImmediate(() => setTimeout(() => process.exit(0), Number(process.env.AFTER_MS ?? 0)));
      },
      signal: async () => {
        await write();
        process.once('SIGTERM', () => {
          scrivener.flushSync();
          say(`${readFileSync(filePath, 'utf8').split('\n').length - 1} lines`);
          for (let n = 6; n <= 8; n++) scrivener.append({ n, text });
          void scrivener.close().then(() => say('closed'));
        });
        setInterval(() => undefined, 1_000).unref();
        process.kill(process.pid, 'SIGTERM');
        await new Promise((resolve) => setTimeout(resolve, 200));
      },
      failed: async () => {
        await write();
        await scrivener.flush().catch(() => undefined);
        process.exit(0);
      },
    };
    await ways[way]!();
  },

  /** As `end`, in a thread of its own. */
  async worker() {
    commands.close();
    process.stdin.destroy();
    await once(new Worker(__filename, { argv: ['end', filePath, argument], stdin: false }), 'exit');
    say('the worker has ended');
  },

  /** Writes without end, and says what is flushed. */
  async write() {
    const scrivener = await openFileScrivener<{ n: number; text: string }>({
      filePath,
      flushThreshold: 7,
      flushIntervalMs: 5,
    });
    scrivener.flushed$.subscribe((position) => say(`flushed ${position}`));
    for (;;) {
      const n = scrivener.head + 1;
      await scrivener.write({ n, text: 'ü🙂'.repeat((n * 7919) % 400) });
      if (n % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  },

  /** Writes entries and groups without end, with options given as JSON, and says what is flushed. */
  async 'write-with'() {
    const options = JSON.parse(argument) as Omit<FileScrivenerConfig<MatrixEntry>, 'filePath'>;
    const scrivener = await openFileScrivener<MatrixEntry>({ ...options, filePath });
    scrivener.flushed$.subscribe((position) => say(`flushed ${position}`));
    scrivener.flusher.waitForFailure().then(
      (error) => say(`failed ${String(error)}`),
      () => undefined,
    );
    for (let steps = 1; ; steps++) {
      await scrivener.writeAll(matrixStep(scrivener.head + 1));
      if (steps % 20 === 0 || scrivener.head - scrivener.flushed > 200)
        await new Promise((resolve) => setImmediate(resolve));
      while (scrivener.head - scrivener.flushed > 1000) await new Promise((resolve) => setTimeout(resolve, 1));
    }
  },

  /** Writes until the file takes no more (the shell limits it), and says how far it came, what it failed with, and how much is in the file. */
  async 'fill-journal'() {
    const options = JSON.parse(argument) as Omit<FileScrivenerConfig<MatrixEntry>, 'filePath'>;
    const scrivener = await openFileScrivener<MatrixEntry>({ ...options, filePath });
    while (scrivener.flusher.status === 'Running') {
      await scrivener.writeAll(matrixStep(scrivener.head + 1));
      await scrivener.flush().catch(() => undefined);
    }
    const error = (await scrivener.flusher.waitForFailure()) as NodeJS.ErrnoException;
    const { flushed } = scrivener;
    await scrivener.close().catch(() => undefined);
    say(`${error.code} ${flushed}`);
  },

  /** Appends the bytes of another file one by one. */
  async drip() {
    for (const byte of readFileSync(argument)) {
      appendFileSync(filePath, Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    say('dripped');
  },

  /** Writes until the file takes no more (the shell limits it), then says what became of it. */
  async fill() {
    const sink = new FileAppendSink<{ n: number }>({ filePath, serializer: new JsonEntrySerializer() });
    const batch = (from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, i) => ({ position: from + i, entry: { n: from + i } }));
    const report: string[] = [];
    for (let from = 1; ; from += 10) {
      try {
        await sink.append(batch(from, from + 9));
      } catch (error) {
        report.push((error as NodeJS.ErrnoException).code ?? String(error), String(from - 1));
        // Is the next one glued to half a line, or is there still room for less?
        await sink.append(batch(from, from));
        report.push('one more');
        break;
      }
    }
    await sink.close();
    say(report.join(' '));
  },

  /** Saves bookmarks without end, and says which are saved. */
  async bookmark() {
    const bookmarks = new FileBookmarkStore(filePath);
    for (let position = (await bookmarks.load()) + 1; ; position++) {
      await bookmarks.save(position);
      say(String(position));
    }
  },

  /** Opens a journal, says when, and waits to be killed or told. */
  async open() {
    try {
      const scrivener = await openFileScrivener({ filePath });
      say(`open ${scrivener.head}`);
      await told;
      await scrivener.close();
      say('closed');
    } catch (error) {
      say(String((error as NodeJS.ErrnoException).code));
    }
  },
};

void programs[command!]!().then(() => process.exit(0));
