import { openFileScrivener, type FileScrivener } from 'rx-scrivener/file';
import { rejectionOf } from '../support/outcome';
import { useTempDir } from '../support/temp-dir';

const path = useTempDir();

describe('a write that waits for room', () => {
  let scrivener: FileScrivener<number>;
  let accept: (() => void) | undefined;

  beforeEach(async () => {
    scrivener = await openFileScrivener<number>({
      filePath: path('journal.ndjson'),
      maxPending: 1,
      sink: { append: () => new Promise<void>((resolve) => (accept = resolve)) },
    });
    await scrivener.write(1);
  });
  afterEach(async () => {
    const closing = scrivener.close();
    for (let turn = 0; turn < 20; turn++) {
      accept?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await closing;
  });

  test.each(['write', 'writeAll'] as const)(
    'ends with its signal while another waits before it: %s',
    async (method) => {
      const second = scrivener.write(2);
      const controller = new AbortController();
      const third = rejectionOf(
        method === 'write' ? scrivener.write(3, controller) : scrivener.writeAll([3, 3], controller),
      );
      const fourth = scrivener.write(4);
      const reason = new Error('no longer');
      controller.abort(reason);
      expect(await third).toBe(reason);
      for (const [waiting, position] of [
        [second, 2],
        [fourth, 3],
      ] as const) {
        while ((await Promise.race([waiting, turn()])) === 0) accept?.();
        expect(await waiting).toBe(position);
      }
      expect(scrivener.head).toBe(3);
    },
  );

  test('is not begun with a signal that was aborted before', async () => {
    scrivener.write(2).catch(() => undefined);
    const reason = new Error('before');
    expect(await rejectionOf(scrivener.write(3, { signal: AbortSignal.abort(reason) }))).toBe(reason);
  });

  test('ends by time', async () => {
    scrivener.write(2).catch(() => undefined);
    expect(await rejectionOf(scrivener.write(3, { signal: AbortSignal.timeout(20) }))).toMatchObject({
      name: 'TimeoutError',
    });
  });
});

const turn = () => new Promise<number>((resolve) => setImmediate(resolve, 0));
