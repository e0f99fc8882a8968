import { NotSupportedError } from '../../errors/not-supported-error';
import { openFileLock, type Fcntl } from './open-file-lock';
import type { TryLock } from './os-lock';

/** The parts of https://docs.deno.com/runtime/fundamentals/ffi/ in use. */
interface DenoFfi {
  readonly dlopen: (name: string, symbols: object) => { readonly symbols: { readonly fcntl: Fcntl } };
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
