// What the specs run in a process of its own: see ./child.ts.
import { appendFileSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { JsonEntrySerializer } from 'rx-scrivener';
import { FileAppendSink, FileBookmarkStore, openFileScrivener } from 'rx-scrivener/file';

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
