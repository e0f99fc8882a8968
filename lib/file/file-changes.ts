import { watch, type FSWatcher } from 'node:fs';

/** Watchers miss changes on some file systems: look again after so long, whatever they say. */
const POLL_MS = 250;

/** Tells when it is worth looking at a file again. */
export class FileChanges {
  readonly #signal: AbortSignal;
  #watcher: FSWatcher | undefined;
  #changed = false;
  #wake: (() => void) | undefined;

  /** Watches until the signal is aborted. */
  constructor(filePath: string, signal: AbortSignal) {
    this.#signal = signal;
    if (signal.aborted) return;
    try {
      this.#watcher = watch(filePath, () => this.#notice());
      this.#watcher.on('error', () => undefined);
    } catch {
      // No watcher to be had: https://nodejs.org/api/fs.html#availability
    }
    signal.addEventListener(
      'abort',
      () => {
        this.#watcher?.close();
        this.#notice();
      },
      { once: true },
    );
  }

  /** Resolves once the file may have changed since the last call, or the signal is aborted. */
  async next(): Promise<void> {
    if (!this.#changed && !this.#signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, POLL_MS);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#changed = false;
  }

  #notice(): void {
    this.#changed = true;
    this.#wake?.();
  }
}
