import { JournalLockedError } from '../errors/journal-locked-error';

/** A page that was left, or closed, holds its locks for a moment longer. */
const PATIENCE_MS = 1_000;

/**
 * Takes the lock of a journal, which all pages and workers of the origin share: https://w3c.github.io/web-locks/
 *
 * @returns a function that releases it; the end of the page also does
 * @throws {@link JournalLockedError} if another page holds it for longer than a second, TypeError if there are no locks
 */
export async function lockJournal(name: string): Promise<() => void> {
  // Typed as always there, but missing in pages that are not secure, and outside browsers.
  const { navigator } = globalThis as { readonly navigator?: Partial<Navigator> };
  const locks = navigator?.locks;
  if (!locks) throw new TypeError('Expected a secure page in a browser: the Web Locks API is missing');
  const signal = AbortSignal.timeout(PATIENCE_MS);
  return new Promise((resolve, reject) => {
    const hold = () => new Promise<void>((release) => resolve(release));
    locks
      .request(`rx-scrivener:${name}`, { signal }, hold)
      .catch((error: unknown) => reject(signal.aborted ? new JournalLockedError(name) : error));
  });
}
