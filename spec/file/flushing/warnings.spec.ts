import type { FileHandle } from 'node:fs/promises';
import { NEVER } from 'rxjs';
import { openFileScrivener, type FileScrivenerConfig } from 'rx-scrivener/file';
import { fileHandlePrototype } from '../support/file-handle';
import { DISK_FAULTS, FailingDisk } from '../support/failing-disk';
import { rejectionOf, turns, until } from '../support/outcome';
import { useTempDir } from '../support/temp-dir';

interface Warning {
  readonly message: string;
  readonly type?: string;
  readonly code?: string;
  readonly detail?: string;
}

const path = useTempDir();
const filePath = () => path('journal.ndjson');
let disk: FailingDisk;
let prototype: FileHandle;
let warnings: Warning[] = [];
beforeEach(async () => {
  prototype = await fileHandlePrototype(path('probe'));
  disk = new FailingDisk(prototype);
  warnings = [];
  const note = (message: string | Error, options?: unknown) =>
    void warnings.push({ ...(options as Warning), message: String(message) });
  jest.spyOn(process, 'emitWarning').mockImplementation(note);
});
afterEach(() => {
  disk.mend();
  jest.restoreAllMocks();
});

const opened = (config: Partial<FileScrivenerConfig<string>> = {}) =>
  openFileScrivener<string>({ filePath: filePath(), flushIntervalMs: Infinity, ...config });
const told = (after: number, error = 'Error: EIO: injected') => ({
  type: 'ScrivenerWarning',
  code: 'SCRIVENER_NOT_FLUSHED',
  message: `The journal ${filePath()} is no longer written: entries after position ${after} are only in memory`,
  detail: error,
});

test.each(DISK_FAULTS.filter((fault) => fault !== 'sync'))(
  'a file that cannot be written any more (%s) is reported once for each failure: which, why, and from where on',
  async (fault) => {
    const scrivener = await opened({ durability: 'disk' });
    await scrivener.write('eins');
    await scrivener.flush();
    disk.fail(fault);
    for (const entry of ['zwei', 'drei']) await scrivener.write(entry);
    await rejectionOf(scrivener.flush());
    await scrivener.write('vier');
    await rejectionOf(scrivener.flush());
    await turns();
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatchObject(told(1));

    disk.mend();
    await scrivener.reopen();
    await scrivener.flush();
    disk.fail(fault);
    await scrivener.write('fünf');
    await rejectionOf(scrivener.flush());
    await turns();
    expect(warnings).toHaveLength(2);
    expect(warnings[1]).toMatchObject(told(4));
    await rejectionOf(scrivener.close());
    await turns();
    expect(warnings).toHaveLength(2);
  },
);

describe('one that is tried again', () => {
  const full = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
  const refuse = () => {
    const spy = jest.spyOn(prototype, 'write').mockRejectedValue(full);
    return () => spy.mockRestore();
  };

  test('is reported with the first attempt that fails, and again only after something has reached the file', async () => {
    const scrivener = await opened({ retry: { delay: 1 } });
    for (const after of [0, 2]) {
      const makeRoom = refuse();
      await scrivener.write('a');
      const flushing = scrivener.flush();
      await until(() => warnings.length === after / 2 + 1);
      for (let attempts = 0; attempts < 5; attempts++) await new Promise((resolve) => setTimeout(resolve, 3));
      expect(warnings).toHaveLength(after / 2 + 1);
      expect(warnings.at(-1)).toMatchObject(told(after, 'Error: ENOSPC; it is retried'));
      makeRoom();
      await flushing;
      await scrivener.write('b');
      await scrivener.flush();
    }
    await scrivener.close();
    expect(warnings).toHaveLength(2);
  });

  test('is not told a second time when it is given up', async () => {
    const scrivener = await opened({ retry: { count: 2, delay: 1 } });
    refuse();
    await scrivener.write('a');
    await rejectionOf(scrivener.flush());
    await turns();
    expect(warnings).toHaveLength(1);
    await rejectionOf(scrivener.close());
  });
});

test('the failure of a custom sink is reported, too; a journal that is closed whole is not', async () => {
  const sink = { append: () => Promise.reject(new Error('gone')) };
  const failing = await openFileScrivener<string>({ name: 'mine', sink });
  await failing.write('a');
  await rejectionOf(failing.flush());
  await turns();
  expect(warnings).toHaveLength(1);
  expect(warnings[0]!.message).toContain('The journal mine is no longer written: entries after position 0');
  await rejectionOf(failing.close());

  const whole = await opened({ predicate: () => NEVER });
  await whole.write('a');
  await whole.close();
  await turns();
  expect(warnings).toHaveLength(1);
});
