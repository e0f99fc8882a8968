import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InstalledPackage } from './installed-package';
import { Child, runNode, type Ended } from './run-node';

jest.setTimeout(30_000);

interface Line {
  readonly schemaVersion: string;
  readonly position: number;
  readonly entry: { type: 'Asked' | 'Answered'; at: string; text: string; inReplyTo?: number };
}

const installed = new InstalledPackage();
const main = join(installed.copy('examples/console-chat'), 'main.mjs');
afterAll(() => installed.remove());

let cwd: string;
let file: string;
beforeEach(() => {
  cwd = installed.newFolder();
  file = join(cwd, 'data/console-chat.ndjson');
});

/** Children of the test under way, so that none outlives it. */
const children: Child[] = [];
afterEach(() => {
  for (const { process } of children.splice(0)) process.kill('SIGKILL');
});

function start(...args: string[]): Child {
  const child = new Child(process.execPath, [main, ...args], cwd);
  children.push(child);
  return child;
}

const chat = (input: string | Buffer, ...args: string[]) => runNode([main, ...args], cwd, input);

function journal(path = file): Line[] {
  const text = readFileSync(path, 'utf8');
  expect(text.endsWith('\n')).toBe(true);
  const lines = text
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  expect(lines.map(({ position }) => position)).toEqual(lines.map((_, index) => index + 1));
  return lines;
}

const texts = (path?: string) => journal(path).map(({ entry }) => entry.text);

/** Every question has one answer, and answers come in the order of the questions. */
function expectAllAnswered(): void {
  const lines = journal();
  const asked = lines.filter(({ entry }) => entry.type === 'Asked').map(({ position }) => position);
  const answered = lines.filter(({ entry }) => entry.type === 'Answered').map(({ entry }) => entry.inReplyTo);
  expect(answered).toEqual(asked);
}

const clean: Partial<Ended> = { code: 0, signal: null, stderr: '' };

describe('piped input', () => {
  test('a line is journaled, answered and in the file', async () => {
    expect(await chat('hello\n')).toEqual({ ...clean, stdout: 'agent: Noted as #1.\n' });
    expect(texts()).toEqual(['hello', 'Noted as #1.']);
    expectAllAnswered();
  });

  test('the last line needs no newline', async () => {
    expect(await chat('one\ntwo')).toEqual({ ...clean, stdout: 'agent: Noted as #1.\nagent: Noted as #3.\n' });
    expect(texts()).toEqual(['one', 'Noted as #1.', 'two', 'Noted as #3.']);
  });

  test('no input: an empty journal and a clean end', async () => {
    expect(await chat('')).toEqual({ ...clean, stdout: '' });
    expect(readFileSync(file, 'utf8')).toBe('');
  });

  test('empty lines are ignored, and so is space around a line', async () => {
    await chat('\n  \n\t\n  hello  \r\n\r\n');
    expect(texts()).toEqual(['hello', 'Noted as #1.']);
  });

  test('2,000 lines are all answered, in order', async () => {
    const questions = Array.from({ length: 2_000 }, (_, index) => `question ${index}`);
    const { stdout, ...ended } = await chat(questions.join('\n') + '\n');
    expect(ended).toEqual(clean);
    expect(stdout).toBe(questions.map((_, index) => `agent: Noted as #${2 * index + 1}.\n`).join(''));
    expect(texts().filter((_, index) => index % 2 === 0)).toEqual(questions);
    expectAllAnswered();
  });

  test('a very long line is kept whole and shown short', async () => {
    const long = 'x'.repeat(5_000_000);
    const { stdout, ...ended } = await chat(`${long}\nlast 2\n`);
    expect(ended).toEqual(clean);
    expect(texts()[0]).toBe(long);
    expect(stdout).toContain(`agent: #1 you: ${'x'.repeat(100)}…\n`);
    expect(stdout.length).toBeLessThan(1_000);
  });

  test('what is not UTF-8 becomes replacement characters', async () => {
    const { stdout, ...ended } = await chat(Buffer.from([0x61, 0xff, 0x62, 0x0a, 0xe2, 0x82]));
    expect(ended).toEqual(clean);
    expect(stdout).toBe('agent: Noted as #1.\nagent: Noted as #3.\n');
    expect(texts()).toEqual(['a\ufffdb', 'Noted as #1.', '\ufffd', 'Noted as #3.']);
    expect(readFileSync(file).includes(0xff)).toBe(false);
  });
});

describe('commands', () => {
  const answersTo = async (input: string) => {
    const { stdout, ...ended } = await chat(input);
    expect(ended).toEqual(clean);
    return stdout.split(/^agent: /m).slice(1);
  };

  test('last N', async () => {
    const answers = await answersTo('last 3\nhello\nlast 3\nLAST 1\nlast 999999999999999999999\n');
    expect(answers).toEqual([
      'There is nothing before this.\n',
      'Noted as #3.\n',
      '#2 agent: There is nothing before this.\n  #3 you: hello\n  #4 agent: Noted as #3.\n',
      '#6 agent: #2 agent: There is nothing before this. #3 you: hello #4 agent: Noted as #3.\n',
      expect.stringMatching(/^#1 you: last 3\n[^]*#8 agent: .*\n$/),
    ]);
  });

  test('last N shows no more than it can', async () => {
    const answers = await answersTo('hello\n'.repeat(60) + 'last 101\nlast 100\n');
    const [capped, full] = answers.slice(-2).map((answer) => answer.split('\n'));
    expect(capped).toHaveLength(102);
    expect(capped?.[0]).toBe('I show at most 100:');
    expect(full).toHaveLength(101);
  });

  test.each(['last', 'last 0', 'last -1', 'last abc', 'last 1.5', 'last 1 2'])('%s asks for a number', async (line) => {
    expect(await answersTo(`hello\n${line}\n`)).toEqual([
      'Noted as #1.\n',
      'How many? `last N` shows the last N entries, N is a whole number from 1.\n',
    ]);
  });

  test('find WORD', async () => {
    const answers = await answersTo('Hello there\nother\nhello again\nfind HELLO\nfind hello a\nfind nowhere\n');
    expect(answers.slice(3)).toEqual([
      'You said that in 2 entries:\n  #1 you: Hello there\n  #5 you: hello again\n',
      'You said that in 1 entry:\n  #5 you: hello again\n',
      'You did not say that yet.\n',
    ]);
  });

  test('find without a word asks for one', async () => {
    expect(await answersTo('find\nfind   \n')).toEqual(
      Array.from({ length: 2 }, () => 'Find what? `find WORD` shows where you said WORD.\n'),
    );
  });

  test('stats', async () => {
    const [nothing, , stats] = await answersTo('stats\nhello\nstats\n');
    expect(nothing).toBe('There is nothing before this.\n');
    const [first, , , latest] = journal().map(({ entry }) => entry.at);
    expect(stats).toMatch(
      new RegExp(
        `^entries: +4 \\(you 2, agent 2\\)\n +first: +${first}\n +last: +${latest}\n +in file: +up to #\\d\n$`,
      ),
    );
  });
});

describe('a restart', () => {
  test('shows the last ten entries and continues after them', async () => {
    await chat('1\n2\n3\n4\n5\n6\n');
    const { stdout, ...ended } = await chat('7\n');
    expect(ended).toEqual(clean);
    expect(stdout.split('\n')).toEqual([
      ...['2', '3', '4', '5', '6'].flatMap((text, index) => [
        `#${2 * index + 3} you: ${text}`,
        `#${2 * index + 4} agent: Noted as #${2 * index + 3}.`,
      ]),
      'agent: Noted as #13.',
      '',
    ]);
    expect(journal()).toHaveLength(14);
    expectAllAnswered();
  });

  test.each(['', 'two\n'])('answers what a crash left open, then %j', async (input) => {
    await chat('one\n');
    appendFileSync(
      file,
      '{"schemaVersion":"1","position":3,"entry":{"at":"2026-01-01T00:00:00.000Z","text":"open","type":"Asked"}}\n' +
        '{"schemaVersion":"1","position":4,"entry":{"at":"2026-01-01T00:00:01.000Z","text":"open, too","type":"Asked"}}\n',
    );
    const { stdout, ...ended } = await chat(input);
    expect(ended).toEqual(clean);
    expect(stdout).toContain('#4 you: open, too\nagent: Noted as #3.\nagent: Noted as #4.\n');
    expectAllAnswered();
  });

  test('reports a last line that a crash cut short', async () => {
    await chat('one\n');
    appendFileSync(file, '{"schemaVersion":"1","position":3,"ent');
    const { code, stderr } = await chat('two\n');
    expect(code).toBe(0);
    expect(stderr).toBe('console-chat: dropped a last entry that a crash cut short (38 bytes)\n');
    expect(texts()).toEqual(['one', 'Noted as #1.', 'two', 'Noted as #3.']);
  });
});

describe('ends', () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s: cleanly, with everything in the file', async (signal) => {
    const child = start();
    child.process.stdin.write('one\ntwo\n');
    await child.prints('#3.');
    child.process.kill(signal);
    expect(await child.ended).toEqual({ ...clean, stdout: 'agent: Noted as #1.\nagent: Noted as #3.\n' });
    expect(texts()).toEqual(['one', 'Noted as #1.', 'two', 'Noted as #3.']);
  });

  test.each(['SIGINT', 'SIGTERM'] as const)(
    '%s in the middle of much input: nothing shown is missing',
    async (signal) => {
      const child = start();
      let sent = 0;
      const more = () => {
        while (child.process.stdin.write(`line ${sent++}\n`));
        child.process.stdin.once('drain', more);
      };
      more();
      await child.prints('agent: Noted as #201.');
      child.process.kill(signal);
      child.process.kill(signal);
      const { stdout, ...ended } = await child.ended;
      expect(ended).toEqual(clean);
      const shown = stdout.match(/^agent: .*$/gm) ?? [];
      const answers = journal().filter(({ entry }) => entry.type === 'Answered');
      expect(shown).toEqual(answers.map(({ entry }) => `agent: ${entry.text}`));
      await chat('');
      expectAllAnswered();
    },
  );

  test('a reader that goes away: quietly, with everything in the file', async () => {
    const child = start();
    child.process.stdin.write('one\n');
    await child.prints('#1.');
    child.process.stdout.destroy();
    child.process.stdin.write('two\nthree\nfour\n');
    const { code, signal, stderr } = await child.ended;
    expect({ code, signal, stderr }).toEqual(clean);
    expect(texts().slice(0, 3)).toEqual(['one', 'Noted as #1.', 'two']);
  });
});

describe('the file', () => {
  test('is the one of --file, in folders that are created', async () => {
    expect(await chat('hello\n', '--file', 'some/where/else.ndjson')).toMatchObject(clean);
    expect(texts(join(cwd, 'some/where/else.ndjson'))).toEqual(['hello', 'Noted as #1.']);
    expect(existsSync(file)).toBe(false);
  });

  test('takes one chat at a time', async () => {
    const first = start();
    first.process.stdin.write('one\n');
    await first.prints('#1.');
    expect(await chat('two\n')).toEqual({
      code: 1,
      signal: null,
      stdout: '',
      stderr: expect.stringMatching(
        /^console-chat: data\/console-chat\.ndjson is open for writing elsewhere \(by process \d+ on \S+, since \S+\)\n$/,
      ) as unknown,
    });
    first.process.stdin.end('three\n');
    expect(await first.ended).toMatchObject(clean);
    expect(texts()).toEqual(['one', 'Noted as #1.', 'three', 'Noted as #3.']);
  });

  test('is free again at once when a chat was killed', async () => {
    const first = start();
    first.process.stdin.write('one\n');
    await first.prints('#1.');
    first.process.kill('SIGKILL');
    await first.ended;
    expect(await chat('two\n')).toMatchObject(clean);
    expectAllAnswered();
  });

  test.each([
    ['no journal', 'garbage\n', 'line 1 (byte 0): it is not JSON'],
    [
      'a journal of something else',
      '{"schemaVersion":"1","position":1,"entry":{"type":"Paid","sum":7}}\n',
      'position 1: the schema refuses the entry that the journal holds: it is no entry of a chat',
    ],
    ['entries that are null', '{"schemaVersion":"1","position":1,"entry":null}\n', 'it is no entry of a chat'],
  ])('%s: one line tells, and it stays as it was', async (_, content, reason) => {
    mkdirSync(join(cwd, 'data'));
    writeFileSync(file, content);
    const { code, stdout, stderr } = await chat('hello\n');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^console-chat: \S*data\/console-chat\.ndjson, .*\n$/);
    expect(stderr).toContain(reason);
    expect(readFileSync(file, 'utf8')).toBe(content);
  });

  test('that cannot be opened: one line tells', async () => {
    const { code, stderr } = await chat('hello\n', '--file', '.');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^console-chat: EISDIR: .*\n$/);
  });
});

describe('arguments', () => {
  test.each(['--nope', 'stray', '--file', '--file=', '--file --help'])('%s: usage', async (args) => {
    const { code, stdout, stderr } = await chat('', ...args.split(' '));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^console-chat: [^]+\n\nUsage: npm start/);
    expect(existsSync(file)).toBe(false);
  });

  test.each(['--help', '-h'])('%s', async (option) => {
    const { stdout, ...ended } = await chat('', option);
    expect(ended).toEqual(clean);
    expect(stdout).toMatch(/^Usage: npm start/);
    expect(existsSync(file)).toBe(false);
  });
});

describe('at a terminal', () => {
  const reason = whyNoTerminal();
  if (reason !== undefined) console.warn(`skipped: ${reason}`);
  const onTerminal = reason === undefined ? test : test.skip;

  /** In a pseudo-terminal: what is written to its input is typed. */
  const type = (shell = '') => {
    const child = new Child('script', ['-qec', `${shell} '${process.execPath}' '${main}'`, '/dev/null'], cwd);
    children.push(child);
    return child;
  };

  onTerminal.each([
    ['Ctrl-C', '\x03'],
    ['Ctrl-D', '\x04'],
  ])('prompts, answers, and %s ends it cleanly', async (_, key) => {
    const child = type();
    await child.prints('Ctrl-D ends.');
    await child.prints('you: ');
    child.process.stdin.write('hello\r');
    await child.prints(/agent: Noted as #1\.\r\n[^]*you: /);
    child.process.stdin.write('not entered');
    await child.prints('not entered');
    // At Ctrl-D a line editor deletes; it ends the input where there is nothing to delete.
    child.process.stdin.write(key === '\x04' ? `\x15${key}` : key);
    expect(await child.ended).toMatchObject({ code: 0, signal: null });
    expect(texts()).toEqual(['hello', 'Noted as #1.']);
  });

  onTerminal('SIGTERM ends it cleanly', async () => {
    const child = type('echo pid $$; exec');
    await child.prints('Ctrl-D ends.');
    process.kill(Number(/pid (\d+)/.exec(child.stdout)?.[1]), 'SIGTERM');
    expect(await child.ended).toMatchObject({ code: 0, signal: null });
    expect(readFileSync(file, 'utf8')).toBe('');
  });
});

function whyNoTerminal(): string | undefined {
  try {
    execFileSync('script', ['-qec', 'true', '/dev/null'], { stdio: 'ignore' });
    return undefined;
  } catch (error) {
    return `no pseudo-terminal, \`script\` of util-linux says: ${String(error)}`;
  }
}
