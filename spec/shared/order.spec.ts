import { lastEntries } from 'rx-scrivener';
import { openSharedScrivener, type SharedScrivener } from 'rx-scrivener/shared';
import { fileHandlePrototype } from '../file/support/file-handle';
import { rejectionOf } from '../file/support/outcome';
import { useTempDir } from '../file/support/temp-dir';

let holder: SharedScrivener<unknown>;
let guest: SharedScrivener<unknown>;
afterEach(async () => {
  await guest.close();
  await holder.close();
});
const path = useTempDir();
beforeEach(async () => {
  holder = await openSharedScrivener({ filePath: path('journal.ndjson') });
  guest = await openSharedScrivener({ filePath: path('journal.ndjson') });
});
const held = async () => (await lastEntries(holder, 100)).map(({ entry }) => entry);

test('what a guest writes takes positions in the order of its calls, entries and groups', async () => {
  const written = [
    guest.write('a'),
    guest.writeAll(['b', 'c']),
    guest.write('d'),
    guest.writeAll([]),
    guest.write('e'),
  ];
  written.push(guest.writeAll(['f'], { expect: 5 }), guest.write('g', { expect: 6 }));
  expect(await Promise.all(written)).toEqual([1, [2, 3], 4, [], 5, [6], 7]);
  expect(await held()).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
});

test('it stays so while the guest takes over', async () => {
  const before = [guest.writeAll(['a', 'b']), guest.write('c')];
  await holder.close();
  const after = [guest.write('d'), guest.writeAll(['e', 'f']), guest.write('g')];
  expect(await Promise.all([...before, ...after])).toEqual([[1, 2], 3, 4, [5, 6], 7]);
  expect(guest.role).toBe('holder');
  expect(await guest.writeAll(['h', 'i'])).toEqual([8, 9]);
});

test('a guest writes what was there at the call', async () => {
  const entry = { v: 1 };
  const written = [guest.writeAll([entry, entry]), guest.write(entry), guest.writeAll([entry])];
  entry.v = 2;
  await Promise.all(written);
  expect(await held()).toEqual([{ v: 1 }, { v: 1 }, { v: 1 }, { v: 1 }]);
});

test('a guest that is closed has written what came first, and refuses the rest', async () => {
  const written = [guest.writeAll(['a', 'b']), guest.write('c'), guest.writeAll(['d'])];
  const closed = guest.close();
  const refused = [rejectionOf(guest.write('e')), rejectionOf(guest.writeAll(['f']))];
  expect(await Promise.all(written)).toEqual([[1, 2], 3, [4]]);
  for (const error of await Promise.all(refused)) expect(error).toMatchObject({ code: 'ERR_JOURNAL_CLOSED' });
  await closed;
  expect(await held()).toEqual(['a', 'b', 'c', 'd']);
});

test('a group that is aborted while it waits for its turn is not written', async () => {
  const controller = new AbortController();
  const first = guest.write('a');
  const group = rejectionOf(guest.writeAll(['b', 'c'], { signal: controller.signal }));
  controller.abort();
  expect(await group).toBe(controller.signal.reason);
  expect(await guest.write('d')).toBe(2);
  expect(await first).toBe(1);
});

test('a guest that writes an empty group hears of nothing that is not flushed', async () => {
  const prototype = await fileHandlePrototype(path('probe'));
  const { write } = prototype;
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  jest.spyOn(prototype, 'write').mockImplementationOnce(async function (this: typeof prototype, ...args) {
    await released;
    return write.apply(this, args);
  });
  const pending = holder.write('a');
  const positions = await guest.writeAll([]);
  const known = [holder.head, guest.head, guest.flushed];
  release();
  expect(positions).toEqual([]);
  expect(known).toEqual([1, 0, 0]);
  expect(await pending).toBe(1);
});
