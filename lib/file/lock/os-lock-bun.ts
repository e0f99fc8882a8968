import { openFileLock, type Fcntl } from './open-file-lock';
import type { TryLock } from './os-lock';

/** The parts of https://bun.com/docs/runtime/ffi in use. */
interface BunFfi {
  readonly dlopen: (name: string, symbols: object) => { readonly symbols: { readonly fcntl: Fcntl } };
}

const FFI = 'bun:ffi';

export function bunLock(): Promise<TryLock> {
  return openFileLock(async (library) => {
    const { dlopen } = (await import(/* webpackIgnore: true */ /* @vite-ignore */ FFI)) as BunFfi;
    return dlopen(library, { fcntl: { args: ['i32', 'i32', 'ptr'], returns: 'i32' } }).symbols.fcntl;
  });
}
