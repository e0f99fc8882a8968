import { once } from 'node:events';
import promises, { mkdir, writeFile } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { HeldSources } from '../../../lib/cli/viewer/held-sources';
import type { LineSource } from '../../../lib/cli/viewer/line-source';
import { openSource } from '../../../lib/cli/viewer/open-source';
import { KEPT_MS, ViewerServer } from '../../../lib/cli/viewer/viewer-server';
import { onLinux, openDescriptors } from '../../file/support/open-descriptors';
import { useTempDir } from '../../file/support/temp-dir';

const path = useTempDir();
let server: ViewerServer;
/** Time passes when it is told; files and connections go on. */
beforeEach(async () => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance'] });
  await mkdir(path('folder'));
  server = new ViewerServer({ target: path('folder'), isFolder: true, port: 0, page: '' });
  await server.start();
});
afterEach(async () => {
  await server.close();
  jest.useRealTimers();
});

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function ask(name: string): Promise<IncomingMessage> {
  const [response] = (await once(get(new URL(name, server.url)), 'response')) as [IncomingMessage];
  return response.setEncoding('utf8');
}

/** Waits for a text to come. */
async function comes(response: IncomingMessage, text: string): Promise<void> {
  for (let seen = ''; !seen.includes(text); await turn()) seen += (response.read() as string | null) ?? '';
}

const talk = (name: string) => writeFile(path('folder', name), '{"schemaVersion":"1","position":1,"entry":1}\n');

test('the list of a folder that could not be read for a day is sent when it can', async () => {
  const readdir = jest.spyOn(promises, 'readdir').mockRejectedValue(new Error('it is away'));
  const list = await ask('api/journals');
  jest.advanceTimersByTime(0);
  await comes(list, 'it is away');
  for (let second = 0; second < 24 * 60 * 60; second++) {
    jest.advanceTimersByTime(1_000);
    for (let i = 0; i < 5; i++) await Promise.resolve();
  }
  readdir.mockRestore();
  await talk('talk.ndjson');
  jest.advanceTimersByTime(1_000);
  await comes(list, 'talk.ndjson');
});

onLinux('a journal is closed some time after nobody looks at it, and opened again', async () => {
  await talk('talk.ndjson');
  const open = () => openDescriptors(path('folder/talk.ndjson')).length;
  const live = await ask('api/live?journal=talk.ndjson');
  while (open() === 0) await turn();
  jest.advanceTimersByTime(2 * KEPT_MS);
  for (let i = 0; i < 20; i++) await turn();
  // It is opened once more to be looked at.
  while (open() > 1) await turn();
  expect(open()).toBe(1);
  live.destroy();
  while (open() > 0) {
    jest.advanceTimersByTime(KEPT_MS);
    await turn();
  }
  const again = await ask('api/live?journal=talk.ndjson');
  while (open() === 0) await turn();
  again.destroy();
});

describe('What is held', () => {
  const source = (close = jest.fn(async () => undefined)) =>
    ({ close }) as Partial<LineSource> as LineSource & { close: jest.Mock };

  test('is opened once, and closed when it is not used for so long', async () => {
    const opened: ReturnType<typeof source>[] = [];
    const held = new HeldSources(async () => (opened.push(source()), opened.at(-1)!), 100);
    let leave!: () => void;
    const first = held.using('a', () => new Promise<void>((resolve) => (leave = resolve)));
    expect(await held.using('a', (same) => same)).toBe(opened[0]);
    await jest.advanceTimersByTimeAsync(1_000);
    expect([held.has('a'), opened[0]!.close.mock.calls.length]).toEqual([true, 0]);
    leave();
    await first;
    await jest.advanceTimersByTimeAsync(99);
    expect(held.has('a')).toBe(true);
    // That is a use: it counts anew.
    await held.using('a', () => undefined);
    await jest.advanceTimersByTimeAsync(99);
    expect(opened[0]!.close).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(1);
    expect([held.has('a'), opened[0]!.close.mock.calls.length]).toEqual([false, 1]);
    expect(await held.using('a', (other) => other)).toBe(opened[1]);
    await held.close();
    expect(opened.map(({ close }) => close.mock.calls.length)).toEqual([1, 1]);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('is asked for again after it could not be opened', async () => {
    const open = jest.fn().mockRejectedValueOnce(new Error('not there')).mockResolvedValueOnce(source());
    const held = new HeldSources(open, Infinity);
    await expect(held.using('a', () => undefined)).rejects.toThrow('not there');
    await held.using('a', () => undefined);
    expect(open).toHaveBeenCalledTimes(2);
    await held.close();
  });

  test('is closed also if it is used then', async () => {
    const one = source();
    const held = new HeldSources(async () => one, 100);
    let leave!: () => void;
    const using = held.using('a', () => new Promise<void>((resolve) => (leave = resolve)));
    await held.close();
    expect(one.close).toHaveBeenCalledTimes(1);
    leave();
    await using;
    expect(jest.getTimerCount()).toBe(0);
  });
});

test('a journal that is opened again is another generation, since its file may have been replaced meanwhile', async () => {
  jest.useRealTimers();
  await talk('talk.ndjson');
  const generations: number[] = [];
  for (let i = 0; i < 2; i++) {
    const source = await openSource(path('folder/talk.ndjson'), new AbortController().signal);
    while (source.extent.head === 0) await turn();
    generations.push(source.extent.generation);
    await source.close();
  }
  expect(generations[1]).not.toBe(generations[0]);
});
