import type * as native from 'fs-native-extensions';
import { NotSupportedError } from '../../errors/not-supported-error';
import type { TryLock } from './os-lock';

type Native = typeof native;

const NATIVE = ['fs', 'native', 'extensions'].join('-');

/** Node has no file locks of its own; a native package provides them. */
export async function nodeLock(): Promise<TryLock> {
  const { tryLock } = await import('fs-native-extensions').catch(unbundled);
  return (fd, byteOffset, length) => tryLock(fd, byteOffset, length);
}

/** A bundler includes the package's JavaScript but not its binary: the binary is loaded by a name that bundlers do not see. */
async function unbundled(cause: unknown): Promise<Native> {
  try {
    return (await import(/* webpackIgnore: true */ /* @vite-ignore */ NATIVE)) as Native;
  } catch {
    const remedy = 'leave `rx-scrivener` out of the bundle, or install `fs-native-extensions` beside it';
    throw new NotSupportedError(`a lock on a file, whose native package does not load here; in a bundle: ${remedy}`, {
      cause,
    });
  }
}
