import { config } from 'rxjs';

/** Reports an error that nobody can be given, as RxJS does: outside the call stack of whoever happened to be writing. */
export function reportUnhandled(error: unknown): void {
  setTimeout(() => {
    if (config.onUnhandledError === null) throw error;
    config.onUnhandledError(error);
  });
}
