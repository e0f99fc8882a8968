import { absolutePathOf } from '../file/disk/file-path';
import { withDefaults, type FileScrivenerConfig } from '../file/file-scrivener-config';
import { ANSWER_MS } from '../http/client/connection';
import { onAbort } from '../journal/abort';
import { Guest } from './guest';
import { Seat } from './seat';
import { SharedScrivener } from './shared-scrivener';

const PAUSE_MS = 20;
/** How long a holder may take to answer, even if `lockTimeoutMs` is shorter. */
const LEAST_ANSWER_MS = 1_000;

/**
 * Opens a journal in a file that any number of this user's processes on this machine can open: the first one holds the file, the others write and read
 * through it, and one of them takes over when it closes or dies.
 *
 * Takes what {@link openFileScrivener} takes, `flushIntervalMs` 0 and `lockTimeoutMs` 10,000 by default. Rejects as that does, with {@link JournalLockedError}
 * after `lockTimeoutMs` if a process has the file that does not share it or does not answer (which may take it a second), and with
 * {@link NotSupportedError} if the folder of the socket belongs to another user.
 *
 * @example
 * ```ts
 * await using scrivener = await openSharedScrivener<ChatEntry>({ filePath: 'data/chat.ndjson' });
 * scrivener.tail().subscribe(({ entry }) => show(entry)); // from all processes
 * await scrivener.write({ type: 'Said', text: 'hello' });
 * ```
 */
export async function openSharedScrivener<T>(config: FileScrivenerConfig<T>): Promise<SharedScrivener<T>> {
  withDefaults(config, 'openSharedScrivener');
  const { signal, lockTimeoutMs = ANSWER_MS } = config;
  // It has no effect after the opening, also where this process takes over later.
  const opening = new AbortController();
  const unlisten = signal && onAbort(signal, () => opening.abort(signal.reason));
  const filePath = absolutePathOf('filePath', config.filePath);
  const seat = new Seat<T>({ ...config, filePath, signal: opening.signal });
  const guest = new Guest<T>(seat.fetch, config);
  try {
    for (const deadline = performance.now() + lockTimeoutMs; ;) {
      signal?.throwIfAborted();
      const locked = await seat.take();
      if (locked === undefined) return new SharedScrivener(seat, undefined);
      if (await guest.arrives(Math.max(deadline - performance.now(), LEAST_ANSWER_MS), signal))
        return new SharedScrivener(seat, guest);
      signal?.throwIfAborted();
      if (performance.now() >= deadline) throw locked;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  } catch (error) {
    await seat.close();
    throw error;
  } finally {
    unlisten?.();
  }
}
