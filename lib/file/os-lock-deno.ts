import { NotSupportedError } from '../errors/not-supported-error';
import { openFileLock } from './open-file-lock';
import type { TryLock } from './os-lock';

/** The parts of https://docs.deno.com/runtime/fundamentals/ffi/ in use. */
interface DenoFfi {
  dlopen(name: string, symbols: object): { symbols: { fcntl(fd: number, command: number, flock: Uint8Array): number } };
  readonly errors: { readonly NotCapable: new () => Error };
}

export function denoLock(): Promise<TryLock> {
  const { Deno } = globalThis as unknown as { Deno: DenoFfi };
  return openFileLock(async (library) => {
    try {
      return Deno.dlopen(library, { fcntl: { parameters: ['i32', 'i32', 'buffer'], result: 'i32' } }).symbols.fcntl;
    } catch (cause) {
      if (!(cause instanceof Deno.errors.NotCapable)) throw cause;
      throw new NotSupportedError('a lock on a file without a permission: run Deno with `--allow-ffi`', { cause });
    }
  });
}
