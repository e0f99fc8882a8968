import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { lastEntries } from 'rx-scrivener';
import { openSharedScrivener } from 'rx-scrivener/shared';
import { GROUP_TYPE } from '../../lib/shared/holder';
import { SocketFetch } from '../../lib/shared/socket-fetch';
import { socketPathOf } from '../../lib/shared/socket-path';
import { fileHandlePrototype } from '../file/support/file-handle';
import { until } from '../file/support/outcome';
import { useTempDir } from '../file/support/temp-dir';

const path = useTempDir();
const socket = new SocketFetch();
afterAll(() => socket.close());

const open = () => openSharedScrivener<unknown>({ filePath: path('journal.ndjson') });
const socketPath = () => socketPathOf(path('journal.ndjson.lock'));

/** Sends a write to whoever has the file, as a guest does whose connection may have been cut before. */
async function post(
  key: string,
  body: string,
  { since, type = 'application/json' }: { since?: string | undefined; type?: string } = {},
) {
  const headers = {
    'Content-Type': type,
    'Idempotency-Key': key,
    ...(since !== undefined && { 'Scrivener-Memory': since }),
  };
  const url = new URL('http://journal.invalid');
  const response = await socket.fetch(await socketPath(), url, { method: 'POST', headers, body });
  const token = response.headers.get('Scrivener-Memory') ?? undefined;
  return { status: response.status, answer: (await response.json()) as unknown, token };
}

test('what is sent again to the next holder is answered as by the one that closed, and what it never got is written', async () => {
  const first = await open();
  const before = await post('a', '"one"');
  expect(before).toMatchObject({ status: 201, answer: { position: 1 } });
  const group = await post('g', '{"entries":["two","three"]}', { type: GROUP_TYPE });
  expect(group).toMatchObject({ status: 201, answer: { position: 3 } });
  await first.close();
  await using second = await open();
  expect(await post('a', '"one"', { since: before.token })).toMatchObject({ status: 201, answer: { position: 1 } });
  const again = await post('g', '{"entries":["two","three"]}', { since: before.token, type: GROUP_TYPE });
  expect(again).toMatchObject({ status: 201, answer: { position: 3 } });
  expect(await post('a', '"other"')).toMatchObject({ status: 422 });
  expect(await post('b', '"four"', { since: before.token })).toMatchObject({ status: 201, answer: { position: 4 } });
  const late = await post('h', '{"entries":["five"],"expect":4}', { since: before.token, type: GROUP_TYPE });
  expect(late).toMatchObject({ status: 201, answer: { position: 5 } });
  expect(second.head).toBe(5);
});

test('after a crash nobody knows: it is uncertain, and is not written again', async () => {
  const first = await open();
  const { token } = await post('a', '"one"');
  await first.close();
  await (await open()).close();
  // What the first one handed over was taken by the second.
  await rm(`${await socketPath()}.writes`);
  await using third = await open();
  expect(await post('a', '"one"', { since: token })).toMatchObject({ status: 409 });
  const group = await post('g', '{"entries":["two"]}', { since: token, type: GROUP_TYPE });
  expect(group).toMatchObject({ status: 409, answer: { code: 'ERR_WRITE_UNCERTAIN' } });
  expect(third.head).toBe(1);
});

test('a group that is refused is refused again, and takes no position', async () => {
  await using first = await open();
  const expected = await post('g', '{"entries":["one"],"expect":7}', { type: GROUP_TYPE });
  expect(expected).toMatchObject({ status: 412, answer: { code: 'ERR_POSITION_CONFLICT' } });
  const since = expected.token;
  expect(await post('g', '{"entries":["one"],"expect":7}', { since, type: GROUP_TYPE })).toMatchObject({ status: 412 });
  expect(first.head).toBe(0);
});

test('a journal that was removed leaves nothing to the next one of its name', async () => {
  const first = await open();
  await post('a', '"one"');
  await first.close();
  const handedOver = await readFile(`${await socketPath()}.writes`);
  await Promise.all(['', '.lock'].map((end) => rm(path(`journal.ndjson${end}`))));
  await (await open()).close();
  await writeFile(`${await socketPath()}.writes`, handedOver);
  await using second = await open();
  expect(await post('a', '"one"')).toMatchObject({ status: 201, answer: { position: 1 } });
  expect(second.head).toBe(1);
});

test('a guest that takes the file has never lost the connection: it answers itself', async () => {
  const holder = await open();
  await using guest = await open();
  const statuses: string[] = [];
  guest.connected$.subscribe(({ status }) => statuses.push(status));
  await holder.close();
  await until(() => guest.role === 'holder');
  expect(await guest.write('one')).toBe(1);
  // What a guest's reads do about the connection that they had is over.
  await lastEntries(guest, 1);
  expect(statuses).toEqual(['open']);
});

test('a signal that is aborted after the opening does not keep a process from taking over', async () => {
  const holder = await open();
  const opening = new AbortController();
  await using guest = await openSharedScrivener<unknown>({
    filePath: path('journal.ndjson'),
    signal: opening.signal,
  });
  expect(guest.role).toBe('guest');
  opening.abort();
  await holder.close();
  expect(await guest.write('one')).toBe(1);
  expect(guest.role).toBe('holder');
});

test('a guest that is stopped while it sends does not keep the holder from closing; what arrived is answered', async () => {
  const holder = await open();
  const guest = await open();
  const { token } = await post('a', '"one"');
  const stopped = connect(await socketPath());
  stopped.on('error', () => undefined);
  const cut = once(stopped, 'close');
  stopped.write(
    `POST / HTTP/1.1\r\nHost: journal.invalid\r\nContent-Type: application/json\r\nIdempotency-Key: b\r\nContent-Length: 1000\r\n\r\n"two`,
  );
  const prototype = await fileHandlePrototype(path('probe'));
  const { write } = prototype;
  let release = (): void => undefined;
  const disk = jest.spyOn(prototype, 'write').mockImplementationOnce(async function (this: typeof prototype, ...args) {
    await new Promise<void>((resolve) => (release = resolve));
    return write.apply(this, args);
  });
  const arrived = guest.write('three');
  await until(() => disk.mock.calls.length > 0);
  const closed = holder.close();
  await cut;
  release();
  expect(await arrived).toBe(2);
  await closed;
  // Nothing of it was written, and the next holder knows that.
  expect(await guest.write('four')).toBe(3);
  expect(await post('b', '"two"', { since: token })).toMatchObject({ status: 201, answer: { position: 4 } });
  await guest.close();
  jest.restoreAllMocks();
});
