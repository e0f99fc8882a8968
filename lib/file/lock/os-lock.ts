import { NotSupportedError } from '../../errors/not-supported-error';
import { bunLock } from './os-lock-bun';
import { denoLock } from './os-lock-deno';
import { nodeLock } from './os-lock-node';

/**
 * Takes an exclusive lock on a range of an open file, and returns whether it was free. Length 0: up to the end, wherever that is.
 *
 * The lock is the operating system's, belongs to the open file, and ends when that is closed or its process dies. It is the same kind on all runtimes,
 * so that they exclude each other.
 */
export type TryLock = (fd: number, byteOffset: number, length: number) => boolean;

let loading: Promise<TryLock> | undefined;

/** The lock function of this runtime, loaded by its first use; rejects with {@link NotSupportedError} if there is none. */
export function osLock(): Promise<TryLock> {
  return (loading ??= load().catch((cause: unknown) => {
    loading = undefined;
    throw cause instanceof NotSupportedError
      ? cause
      : new NotSupportedError('a lock on a file, which this runtime does not load', { cause });
  }));
}

async function load(): Promise<TryLock> {
  if ('Bun' in globalThis) return bunLock();
  if ('Deno' in globalThis) return denoLock();
  return nodeLock();
}
