import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { auditTime, map, scan, type Observer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import {
  ask,
  consume,
  entries,
  InMemoryScrivener,
  isType,
  project,
  writeOnce,
  type BookmarkStore,
  type OfType,
  type Projection,
} from 'rx-scrivener';

/** Plays the marbles that docs/patterns/*.svg are drawn from: a character is a millisecond of Jest's clock. */

const ROOT = join(__dirname, '../..');
const FOLDER = join(ROOT, 'docs/patterns');

interface Diagram {
  readonly marks: Record<string, string>;
  readonly rows: readonly { label?: string; marbles?: string; operator?: string }[];
}
/** What the TestScheduler counts a frame as, outside its `run`. */
const FRAME_TIME = 10;
const diagrams = JSON.parse(readFileSync(join(FOLDER, 'marbles.json'), 'utf8')) as Record<string, Diagram>;
const played = new Set<string>();

type Message = { frame: number; kind: 'N' | 'E' | 'C'; value?: unknown };

class Stage {
  readonly #rows: Map<string, string>;
  readonly #logs = new Map<string, Message[]>();
  readonly #begin: number;

  constructor(readonly name: string) {
    played.add(name);
    const rows = diagrams[name]!.rows.filter(({ marbles }) => marbles !== undefined);
    this.#rows = new Map(rows.map(({ label, marbles }) => [label!, marbles!]));
    jest.useFakeTimers({ doNotFake: ['queueMicrotask', 'nextTick'] });
    this.#begin = Date.now();
  }

  #messages(label: string): Message[] {
    return TestScheduler.parseMarbles(this.#rows.get(label)!, undefined, undefined, false, true).map(
      ({ frame: time, notification }) => {
        const frame = time / FRAME_TIME;
        if (notification.kind !== 'N') return { frame, kind: notification.kind };
        return { frame, kind: 'N', value: notification.value as unknown };
      },
    );
  }

  at(frame: number, act: () => void): void {
    setTimeout(act, frame);
  }

  /** Does at its time what a row says. */
  plays(label: string, next: (mark: string) => void, complete: () => void = () => undefined): void {
    this.#logs.set(label, this.#messages(label));
    for (const { frame, kind, value } of this.#messages(label)) {
      this.at(frame, () => (kind === 'N' ? next(value as string) : complete()));
    }
  }

  /** Notes what comes when, to be compared with a row. */
  notes(label: string): Observer<string> {
    const log: Message[] = [];
    this.#logs.set(label, log);
    const note = (message: Omit<Message, 'frame'>) => log.push({ frame: Date.now() - this.#begin, ...message });
    return {
      next: (value) => note({ kind: 'N', value }),
      error: () => note({ kind: 'E' }),
      complete: () => note({ kind: 'C' }),
    };
  }

  /** Notes a promise: its value and the end, or the error. */
  notesPromise(label: string, promise: Promise<string>): void {
    const observer = this.notes(label);
    promise.then(
      (value) => {
        observer.next(value);
        observer.complete();
      },
      (error: unknown) => observer.error(error),
    );
  }

  async ends(): Promise<void> {
    for (let frame = 0; frame < 40; frame++) await jest.advanceTimersByTimeAsync(1);
    expect(Object.fromEntries(this.#logs)).toEqual(
      Object.fromEntries([...this.#rows.keys()].map((label) => [label, this.#messages(label)])),
    );
  }
}

afterEach(() => jest.useRealTimers());

test('request-and-reply', async () => {
  type Entry = { type: 'Requested' | 'Progressed' | 'Succeeded' | 'Failed'; mark: string };
  const scrivener = new InMemoryScrivener<Entry>();
  const stage = new Stage('request-and-reply');
  scrivener
    .tail()
    .pipe(
      entries(),
      map(({ mark }) => mark),
    )
    .subscribe(stage.notes('journal'));
  stage.plays('worker writes', (mark) => scrivener.append({ type: mark === 'p' ? 'Progressed' : 'Succeeded', mark }));
  stage.at(1, () => {
    const reply = ask(scrivener, { type: 'Requested', mark: 'r' }, isType('Succeeded', 'Failed'));
    stage.notesPromise(
      'reply',
      reply.then(({ entry }) => entry.mark),
    );
  });
  await stage.ends();
});

test('ask-by-anchor', async () => {
  type Entry = { type: 'Asked'; mark: string } | { type: 'Answered'; inReplyTo: number; mark: string };
  const scrivener = new InMemoryScrivener<Entry>();
  const stage = new Stage('ask-by-anchor');
  const isAnswerTo =
    (asked: number) =>
    (entry: Entry): entry is OfType<Entry, 'Answered'> =>
      entry.type === 'Answered' && entry.inReplyTo === asked;
  const write: Record<string, () => void> = {
    q: () => asks('q', 1),
    r: () => asks('r', 2),
    a: () => scrivener.append({ type: 'Answered', inReplyTo: 1, mark: 'a' }),
    b: () => scrivener.append({ type: 'Answered', inReplyTo: 2, mark: 'b' }),
  };
  function asks(mark: string, expected: number): void {
    const asked = scrivener.append({ type: 'Asked', mark });
    expect(asked).toBe(expected);
    const answer = scrivener.waitFor(asked, isAnswerTo(asked));
    stage.notesPromise(
      `answer to ${asked}`,
      answer.then(({ entry }) => entry.mark),
    );
  }
  stage.plays('journal', (mark) => write[mark]!());
  await stage.ends();
});

test('forward-to-ui', async () => {
  const scrivener = new InMemoryScrivener<string>();
  const stage = new Stage('forward-to-ui');
  const { marks } = diagrams['forward-to-ui']!;
  const screens = Object.fromEntries(Object.entries(marks).map(([mark, meaning]) => [meaning, mark]));
  scrivener
    .tail()
    .pipe(
      entries(),
      scan((shown, text) => `${shown} ${text}`, 'shows'),
      auditTime(4),
      map((shown) => screens[shown]!),
    )
    .subscribe(stage.notes('screen'));
  stage.plays(
    'journal',
    (mark) => scrivener.append(mark),
    () => scrivener.complete(),
  );
  await stage.ends();
});

test('bookmark-and-resume', async () => {
  const scrivener = new InMemoryScrivener<string>();
  const stage = new Stage('bookmark-and-resume');
  const saved = stage.notes('bookmark');
  let bookmark = 0;
  const bookmarks: BookmarkStore = {
    load: async () => bookmark,
    save: async (position) => {
      bookmark = position;
      saved.next('abcd'[position - 1]!);
    },
  };
  const run = (label: string, handle: (entry: string) => void) => {
    const notes = stage.notes(label);
    consume(scrivener, bookmarks, async ({ entry }) => {
      notes.next(entry);
      await new Promise((resolve) => setTimeout(resolve, 1));
      handle(entry);
    }).subscribe({ error: (error: unknown) => notes.error(error) });
  };
  stage.at(0, () =>
    run('first run: handle', (entry) => {
      if (entry === 'b') throw new Error('it went down');
    }),
  );
  stage.at(6, () => run('second run: handle', () => undefined));
  stage.plays('journal', (mark) => scrivener.append(mark));
  await stage.ends();
});

test('wait-with-timeout', async () => {
  type Entry = { type: 'Asked' | 'Noted' | 'Answered' };
  const scrivener = new InMemoryScrivener<Entry>();
  const stage = new Stage('wait-with-timeout');
  const types = diagrams['wait-with-timeout']!.marks as Record<string, Entry['type']>;
  stage.plays('journal', (mark) => {
    const asked = scrivener.append({ type: types[mark]! });
    if (mark !== 'q') return;
    for (const timeout of [5, 10]) {
      const answer = scrivener.waitFor(asked, isType('Answered'), { timeout });
      stage.notesPromise(
        `timeout: ${timeout} ms`,
        answer.then(() => 'a'),
      );
    }
  });
  await stage.ends();
  expect(jest.getTimerCount()).toBe(0);
});

test('fan-out', async () => {
  type Entry = { type: 'Ordered'; mark: string } | { type: 'Todo'; task: string; cause: number; mark: string };
  const scrivener = new InMemoryScrivener<Entry>();
  const stage = new Stage('fan-out');
  const followUps: Record<string, string> = { a: 'xy', b: 'uv' };
  const bookmarks: BookmarkStore = { load: async () => 0, save: async () => undefined };
  consume(scrivener, bookmarks, async ({ position, entry }) => {
    if (entry.type !== 'Ordered') return;
    for (const mark of followUps[entry.mark]!) {
      const todo: Entry = { type: 'Todo', task: mark, cause: position, mark };
      await writeOnce(
        scrivener,
        todo,
        (other) => other.type === 'Todo' && other.task === mark && other.cause === position,
      );
    }
  }).subscribe();
  scrivener
    .tail()
    .pipe(
      entries(),
      map(({ mark }) => mark),
    )
    .subscribe(stage.notes('every reader'));
  stage.plays('orders', (mark) => scrivener.append({ type: 'Ordered', mark }));
  await stage.ends();
});

test('state', async () => {
  const scrivener = new InMemoryScrivener<string>();
  const stage = new Stage('state');
  const marks: Record<string, string> = { ab: 'x', abcd: 'y', abcde: 'z' };
  scrivener.tail().pipe(entries()).subscribe(stage.notes('journal'));
  for (const [frame, ...group] of [
    [0, 'a'],
    [1, 'b'],
    [5, 'c', 'd'],
    [11, 'e'],
  ] as [number, ...string[]][]) {
    stage.at(frame, () => void scrivener.writeAll(group));
  }
  stage.at(12, () => scrivener.complete());
  const all: Projection<string, string> = { initial: () => '', evolve: (state, entry) => state + entry };
  stage.at(3, () => {
    project(scrivener, all)
      .pipe(map(({ state }) => marks[state]!))
      .subscribe(stage.notes('states, subscribed at 3'));
  });
  await stage.ends();
});

test('every diagram is played, and shown in the guide of its name', () => {
  expect([...played].sort()).toEqual(Object.keys(diagrams).sort());
  for (const name of Object.keys(diagrams)) {
    expect(readFileSync(join(FOLDER, `${name}.md`), 'utf8')).toContain(`](${name}.svg)`);
  }
});

test('the drawings are those that the script makes of the marbles', () => {
  execFileSync(process.execPath, [join(ROOT, 'scripts/marbles.mjs'), '--check'], { stdio: 'pipe' });
});

test('every guide is in the index', () => {
  const guides = readdirSync(FOLDER).filter((file) => file.endsWith('.md') && file !== 'README.md');
  expect(guides).toHaveLength(10);
  const index = readFileSync(join(FOLDER, 'README.md'), 'utf8');
  expect(
    [...index.matchAll(/\]\((\S+\.md)\)/g)]
      .map(([, file]) => file!)
      .filter((file) => !file.startsWith('..'))
      .sort(),
  ).toEqual(guides.sort());
});
