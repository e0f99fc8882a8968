import fs, { watch, type FSWatcher } from 'node:fs';
import { stat } from 'node:fs/promises';

/** Watchers miss changes on some file systems: there a file is checked at this interval anyway. */
const POLL_MS = 250;
/** On the others, too, because no system promises that its watchers work. */
const WATCHED_POLL_MS = 2_000;

/**
 * File systems that other machines also write, without watchers noticing: NFS, SMB, CIFS, SMB2, 9P, FUSE, Ceph, AFS, Lustre, as
 * https://man7.org/linux/man-pages/man2/statfs.2.html names them.
 */
const REMOTE = [0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x01021997, 0x65735546, 0x00c36400, 0x5346414f, 0x0bd00bd0];

/** Signals when a file is worth reading again. */
export class FileChanges {
  readonly #signal: AbortSignal;
  #changed = false;
  #wake: (() => void) | undefined;

  /** Watches until the signal is aborted. */
  constructor(filePath: string, signal: AbortSignal) {
    this.#signal = signal;
    if (signal.aborted) return;
    const leave = WatchedFile.listen(filePath, () => this.#notice());
    signal.addEventListener(
      'abort',
      () => {
        leave();
        this.#notice();
      },
      { once: true },
    );
  }

  /**
   * Resolves when the file may have changed since the last call, or the signal is aborted.
   *
   * @param isPending - whether it is worth reading again after a while even if nothing changes
   */
  async next(isPending = false): Promise<void> {
    if (!this.#changed && !this.#signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = isPending ? setTimeout(resolve, POLL_MS) : undefined;
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

/** A watched file, shared by all its followers in this process: one watcher and one polling timer. */
class WatchedFile {
  static readonly #all = new Map<string, WatchedFile>();

  readonly #filePath: string;
  /** The listeners, and whether the next poll must notify them, because a change may have come before they listened. */
  readonly #listeners = new Map<() => void, { isNew: boolean }>();
  #watcher: FSWatcher | undefined;
  /** Whether its watchers are reliable: it is on a local disk, and they have missed nothing. */
  #isTrusted: boolean;
  /** Whether the watcher has reported a change since the last poll. */
  #isNotified = false;
  #state: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  private constructor(filePath: string) {
    this.#filePath = filePath;
    this.#isTrusted = isLocal(filePath);
    this.#watch();
    this.#schedule();
  }

  /** @returns a function that ends it */
  static listen(filePath: string, listener: () => void): () => void {
    const found = WatchedFile.#all.get(filePath);
    const file = found ?? new WatchedFile(filePath);
    if (!found) WatchedFile.#all.set(filePath, file);
    file.#listeners.set(listener, { isNew: true });
    return () => file.#leave(listener);
  }

  #leave(listener: () => void): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size > 0) return;
    WatchedFile.#all.delete(this.#filePath);
    this.#watcher?.close();
    clearTimeout(this.#timer);
  }

  /** Watches the file that currently has the name. */
  #watch(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    try {
      const watcher = watch(this.#filePath, (event) => {
        this.#isNotified = true;
        if (event === 'rename') {
          // The file may have another name by now, and its name may belong to another file, or to none yet.
          this.#watch();
          this.#schedule();
        }
        this.#notify();
      });
      watcher.on('error', () => undefined);
      this.#watcher = watcher;
    } catch {
      // There is no such file now, or no watcher to be had: https://nodejs.org/api/fs.html#availability
    }
  }

  #schedule(): void {
    const isWatched = this.#watcher !== undefined && this.#isTrusted;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#poll(), isWatched ? WATCHED_POLL_MS : POLL_MS);
  }

  async #poll(): Promise<void> {
    // A file that is not on a local disk may be slow.
    const found = this.#isTrusted ? statOf(this.#filePath) : await stat(this.#filePath).catch(() => undefined);
    if (this.#listeners.size === 0) return;
    const state = found && `${found.ino} ${found.size} ${found.mtimeMs}`;
    const isChanged = state !== this.#state;
    const isMissed = isChanged && !this.#isNotified;
    if (isMissed && this.#watcher && this.#state !== undefined) this.#isTrusted = false;
    if (isMissed || !this.#watcher) this.#watch();
    this.#state = state;
    this.#isNotified = false;
    for (const [listener, status] of [...this.#listeners]) {
      if (isChanged || status.isNew) listener();
      status.isNew = false;
    }
    this.#schedule();
  }

  #notify(): void {
    for (const listener of [...this.#listeners.keys()]) listener();
  }
}

function statOf(filePath: string): fs.Stats | undefined {
  try {
    return fs.statSync(filePath);
  } catch {
    return undefined;
  }
}

function isLocal(filePath: string): boolean {
  try {
    return process.platform !== 'linux' || !REMOTE.includes(fs.statfsSync(filePath).type);
  } catch {
    return false;
  }
}
