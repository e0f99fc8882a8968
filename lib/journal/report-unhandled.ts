import { config } from 'rxjs';

/** Reports an error that nobody handles, as RxJS does: outside the call stack of the writer. */
export function reportUnhandled(error: unknown): void {
  setTimeout(() => {
    if (config.onUnhandledError === null) throw error;
    config.onUnhandledError(error);
  });
}
