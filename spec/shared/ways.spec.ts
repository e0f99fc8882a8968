import { chmod, link, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import { relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { lastEntries, type ScrivenerError } from 'rx-scrivener';
import { openSharedScrivener, type ConnectionStatus, type SharedScrivener } from 'rx-scrivener/shared';
import { HEADS_TYPE } from '../../lib/shared/heads';
import { SocketFetch } from '../../lib/shared/socket-fetch';
import * as socketPaths from '../../lib/shared/socket-path';
import { fileHandlePrototype } from '../file/support/file-handle';
import { rejectionOf, turns, until } from '../file/support/outcome';
import { useTempDir } from '../file/support/temp-dir';

const path = useTempDir();
const file = () => path('journal.ndjson');

describe('the same journal, whatever its path:', () => {
  const ways: [string, () => Promise<string | URL>][] = [
    ['another spelling', () => Promise.resolve(`${path('.')}/nowhere/../journal.ndjson`)],
    ['a relative path', () => Promise.resolve(relative(process.cwd(), file()))],
    ['a URL', () => Promise.resolve(pathToFileURL(file()))],
    ['a symbolic link to the file', () => symlink(file(), path('link')).then(() => path('link'))],
    [
      'a symbolic link to its folder',
      () => symlink(path('.'), path('folder')).then(() => path('folder', 'journal.ndjson')),
    ],
  ];
  for (const [name, way] of ways)
    for (const order of ['opened first', 'opened second'])
      test(`${name}, ${order}`, async () => {
        const other = await way();
        const filePaths = order === 'opened first' ? [other, file()] : [file(), other];
        const opened: SharedScrivener<string>[] = [];
        for (const filePath of filePaths) opened.push(await openSharedScrivener<string>({ filePath }));
        const [first, second] = opened as [SharedScrivener<string>, SharedScrivener<string>];
        expect([first.role, second.role]).toEqual(['holder', 'guest']);
        expect(await second.write('hello')).toBe(1);
        await first.close();
        expect(await second.write('again')).toBe(2);
        expect(second.role).toBe('holder');
        await second.close();
      });

  test('a hard link is refused: it has a lock of its own', async () => {
    await using first = await openSharedScrivener<string>({ filePath: file() });
    await link(file(), path('hard'));
    const opening = openSharedScrivener({ filePath: path('hard'), lockTimeoutMs: 100 });
    expect(await rejectionOf(opening)).toMatchObject({ code: 'ERR_JOURNAL_LOCKED' });
    expect(await first.write('one')).toBe(1);
  });
});

test('a process with another version, whose requests are others, is named', async () => {
  const spied = jest.spyOn(socketPaths, 'socketPathOf');
  spied.mockImplementation(() => Promise.resolve(path('other-version')));
  const other = await openSharedScrivener<string>({ filePath: file() });
  spied.mockRestore();
  const opening = openSharedScrivener({ filePath: file(), lockTimeoutMs: 100 });
  expect(await rejectionOf(opening)).toMatchObject({
    code: 'ERR_JOURNAL_LOCKED',
    holder: { pid: process.pid, isThisProcess: true },
  });
  await other.close();
  await using own = await openSharedScrivener<string>({ filePath: file() });
  expect(own.role).toBe('holder');
});

describe('a guest with another schema', () => {
  const only = (allowed: string) => ({
    '~standard': {
      version: 1 as const,
      vendor: 'spec',
      validate: (value: unknown) =>
        value === allowed ? { value: allowed } : { issues: [{ message: `not ${allowed}` }] },
    },
  });

  test('learns what the holder refuses, and what it cannot read', async () => {
    await using holder = await openSharedScrivener<string>({ filePath: file(), schema: only('old') });
    await using guest = await openSharedScrivener<string>({ filePath: file(), schema: only('new') });
    expect(await rejectionOf(guest.write('new'))).toMatchObject({ code: 'ERR_ENTRY_VALIDATION' });
    expect(await rejectionOf(guest.writeAll(['new']))).toMatchObject({ code: 'ERR_ENTRY_VALIDATION' });
    expect(await rejectionOf(guest.write('old'))).toMatchObject({ code: 'ERR_ENTRY_VALIDATION' });
    const reading = rejectionOf(guest.waitFor(0, () => true));
    expect(await holder.write('old')).toBe(1);
    expect(await reading).toMatchObject({ code: 'ERR_SCHEMA_MISMATCH', position: 1 });
  });

  test('hears of positions that it cannot read, and when the holder goes', async () => {
    const holder = await openSharedScrivener<string>({ filePath: file(), schema: only('old') });
    await using guest = await openSharedScrivener<string>({ filePath: file(), schema: only('new') });
    const heads: number[] = [];
    guest.head$.subscribe((head) => heads.push(head));
    let status: ConnectionStatus | undefined;
    guest.connected$.subscribe((now) => (status = now));
    await holder.write('old');
    await until(() => heads.length === 2);
    expect(heads).toEqual([0, 1]);
    expect([guest.head, guest.flushed]).toEqual([1, 1]);
    await holder.close();
    const reason = () => status?.status === 'retrying' && ((status.error as Error).cause as ScrivenerError).code;
    await until(() => reason() === 'ERR_SCHEMA_MISMATCH');
    await using next = await openSharedScrivener<string>({ filePath: file(), schema: only('old') });
    expect(await next.writeAll(['old', 'old'])).toEqual([2, 3]);
    await until(() => heads.length === 4);
    expect(heads).toEqual([0, 1, 2, 3]);
    expect(status).toEqual({ status: 'open' });
  });

  test('upgrades what its holder reads as it was written, and takes over', async () => {
    await using holder = await openSharedScrivener<string>({ filePath: file() });
    await using guest = await openSharedScrivener<string>({
      filePath: file(),
      schema: only('new'),
      upgrade: (entry) => (entry === 'old' ? 'new' : (entry as string)),
    });
    await holder.write('old');
    expect(await guest.waitFor(0, () => true)).toEqual({ position: 1, entry: 'new' });
    await holder.close();
    await until(() => guest.role === 'holder');
    expect(await guest.write('new')).toBe(2);
  });
});

test('a full disk is reported in each process that writes', async () => {
  const holder = await openSharedScrivener<string>({ filePath: file() });
  const guest = await openSharedScrivener<string>({ filePath: file() });
  expect(await guest.write('one')).toBe(1);
  const full = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
  const disk = jest.spyOn(await fileHandlePrototype(path('probe')), 'write').mockRejectedValue(full);
  jest.spyOn(process, 'emitWarning').mockImplementation();
  const uncertain = { code: 'ERR_WRITE_UNCERTAIN' };
  expect(await rejectionOf(guest.write('two'))).toMatchObject(uncertain);
  expect(await rejectionOf(guest.writeAll(['three']))).toMatchObject(uncertain);
  expect(await rejectionOf(holder.write('four'))).toMatchObject(uncertain);
  disk.mockRestore();
  await guest.close();
  expect(await rejectionOf(holder.close())).toBe(full);
});

/** What the holder tells its guests of the journal's last positions. */
async function headEvents() {
  const socketPath = await socketPaths.socketPathOf(`${file()}.lock`);
  const init = { headers: { Accept: HEADS_TYPE } };
  const { body } = await new SocketFetch().fetch(socketPath, new URL('http://journal.invalid'), init);
  return body!.pipeThrough(new TextDecoderStream());
}

test('when a full disk has room again, the next write and all before it are in the file; nobody counts the holder as lost', async () => {
  const holder = await openSharedScrivener<string>({ filePath: file() });
  const guest = await openSharedScrivener<string>({ filePath: file() });
  const statuses: ConnectionStatus[] = [];
  guest.connected$.subscribe((status) => statuses.push(status));
  const heads: number[] = [];
  guest.head$.subscribe((head) => heads.push(head));
  const flushed: number[] = [];
  holder.flushed$.subscribe((position) => flushed.push(position));
  expect(await guest.write('one')).toBe(1);
  const full = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
  const disk = jest.spyOn(await fileHandlePrototype(path('probe')), 'write').mockRejectedValue(full);
  jest.spyOn(process, 'emitWarning').mockImplementation();
  for (const writing of [guest.write('two'), holder.write('three'), guest.write('four')])
    expect(await rejectionOf(writing)).toMatchObject({ code: 'ERR_WRITE_UNCERTAIN' });
  // A heartbeat, of which there is none where the holder has ended what it told.
  const reader = (await headEvents()).getReader();
  for (let n = 0; n < 2; n++) expect((await reader.read()).value).toBe('data:1\n\n');
  await reader.cancel();
  expect(statuses).toEqual([{ status: 'open' }]);
  disk.mockRestore();
  expect(await guest.write('five')).toBe(5);
  expect(await lastEntries(guest, 5)).toHaveLength(5);
  expect(await holder.write('six')).toBe(6);
  await until(() => heads.at(-1) === 6 && flushed.at(-1) === 6);
  expect(heads).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(statuses).toEqual([{ status: 'open' }]);
  await guest.close();
  await holder.close();
});

test('with `maxPending`, too, what one process alone writes is tried again after a full disk', async () => {
  await using holder = await openSharedScrivener<string>({ filePath: file(), maxPending: 1 });
  const full = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
  const disk = jest.spyOn(await fileHandlePrototype(path('probe')), 'write').mockRejectedValue(full);
  jest.spyOn(process, 'emitWarning').mockImplementation();
  expect(await rejectionOf(holder.write('one'))).toMatchObject({ code: 'ERR_WRITE_UNCERTAIN' });
  expect(await rejectionOf(holder.write('never'))).toBe(full);
  disk.mockRestore();
  // One may be refused, since the one before it waits; but that one is in the file then.
  let position: number | undefined;
  while (position === undefined) {
    await turns(1);
    await holder.write('two').then(
      (taken) => (position = taken),
      () => undefined,
    );
  }
  expect(position).toBe(2);
});

test('a tail that meets a full disk says so, not that the holder does not answer, and continues when there is room', async () => {
  const holder = await openSharedScrivener<string>({ filePath: file() });
  const guest = await openSharedScrivener<string>({ filePath: file() });
  const statuses: ConnectionStatus[] = [];
  guest.connected$.subscribe((status) => statuses.push(status));
  const seen: string[] = [];
  guest.tail().subscribe(({ entry }) => seen.push(entry));
  const full = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
  const disk = jest.spyOn(await fileHandlePrototype(path('probe')), 'write').mockRejectedValue(full);
  jest.spyOn(process, 'emitWarning').mockImplementation();
  await rejectionOf(holder.write('one'));
  const errors = () => statuses.flatMap((status) => (status.status === 'retrying' ? [status.error] : []));
  await until(() => errors().length >= 2);
  for (const error of errors()) expect(error).toMatchObject({ cause: { code: 'ERR_HTTP_STATUS', status: 503 } });
  disk.mockRestore();
  expect(await guest.write('two')).toBe(2);
  await until(() => seen.length === 2);
  expect(seen).toEqual(['one', 'two']);
  await until(() => statuses.at(-1)!.status === 'open');
  await guest.close();
  await holder.close();
});

describe('the socket', () => {
  beforeEach(() => jest.spyOn(os, 'tmpdir').mockReturnValue(path('.')));
  afterEach(() => jest.restoreAllMocks());
  const folder = () => path(`rx-scrivener-${os.userInfo().uid}`);

  test('is not put into a folder that others may enter', async () => {
    await mkdir(folder());
    await chmod(folder(), 0o755);
    const error = await rejectionOf(openSharedScrivener({ filePath: file() }));
    expect(error).toMatchObject({ code: 'ERR_NOT_SUPPORTED' });
    expect((error as Error).message).toContain(folder());
    await chmod(folder(), 0o700);
    await using scrivener = await openSharedScrivener<string>({ filePath: file() });
    expect(await scrivener.write('one')).toBe(1);
  });

  test('is not put through a symbolic link', async () => {
    await mkdir(path('elsewhere'), { mode: 0o700 });
    await symlink(path('elsewhere'), folder());
    expect(await rejectionOf(openSharedScrivener({ filePath: file() }))).toMatchObject({ code: 'ERR_NOT_SUPPORTED' });
  });

  test('does not replace anything but a socket', async () => {
    await (await openSharedScrivener({ filePath: file() })).close();
    const socketPath = await socketPaths.socketPathOf(`${file()}.lock`);
    await writeFile(socketPath, 'of somebody else');
    const error = await rejectionOf(openSharedScrivener({ filePath: file() }));
    expect(error).toMatchObject({ code: 'ERR_NOT_SUPPORTED' });
    expect((error as Error).message).toContain(socketPath);
    await rm(socketPath);
    await using scrivener = await openSharedScrivener<string>({ filePath: file() });
    expect(scrivener.role).toBe('holder');
  });
});
