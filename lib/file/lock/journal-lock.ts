import { open, stat, type FileHandle } from 'node:fs/promises';
import { firstValueFrom, race, timer } from 'rxjs';
import { CorruptJournalError } from '../../errors/corrupt-journal-error';
import { JournalLockedError } from '../../errors/journal-locked-error';
import { aborted } from '../../journal/abort';
import { modeOf } from '../disk/file-mode';
import { assertRoomBeside, targetOf } from '../disk/file-path';
import { forgetHolder, recordedHolder, recordHolder } from './lock-holder';
import { osLock, type TryLock } from './os-lock';

/**
 * Beyond the end of any file: where locks also block reads and writes (Windows), nobody accesses this byte.
 * The place is SQLite's idea, https://www.sqlite.org/src/file/src/os_win.c.
 */
const FAR = Number.MAX_SAFE_INTEGER - 1;

/** The pause between two tries, in milliseconds: the first and the longest. */
const FIRST_PAUSE_MS = 5;
const MAX_PAUSE_MS = 100;

/** How long to wait for a lock. */
interface Waiting {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The right to write a journal's file, which one holder has at a time: operating-system locks, which end with the process that holds them.
 *
 * One is on `<real path>.lock`, the other on the file itself, for openings by a hard link or after a rename.
 */
export class JournalLock {
  /** The journal's file, and the lock file beside it. */
  readonly #files: FileHandle[];

  readonly #tryLock: TryLock;
  #isReleased = false;

  private constructor(
    /** The file's path, links followed. */
    readonly realPath: string,
    files: FileHandle[],
    tryLock: TryLock,
  ) {
    this.#tryLock = tryLock;
    this.#files = files;
  }

  /**
   * Locks a file, and creates it if it is missing; throws {@link JournalLockedError} if it is still locked after the given time, and then has
   * created nothing.
   */
  static async acquire(filePath: string, { timeoutMs = 0, signal }: Waiting = {}): Promise<JournalLock> {
    const deadline = performance.now() + timeoutMs;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
      signal?.throwIfAborted();
      try {
        return await JournalLock.#acquire(filePath);
      } catch (error) {
        const leftMs = deadline - performance.now();
        if (!(error instanceof JournalLockedError) || leftMs <= 0) throw error;
        await pause(Math.min(pauseMs, leftMs), signal);
      }
    }
  }

  static async #acquire(filePath: string): Promise<JournalLock> {
    const tryLock = await osLock();
    const files: FileHandle[] = [];
    try {
      const realPath = await targetOf(filePath);
      assertRoomBeside(realPath);
      const existing = await stat(realPath).catch(() => undefined);
      if (existing && !existing.isFile()) {
        await (await open(realPath, 'a+')).close(); // the system's own error for a directory
        throw new CorruptJournalError({ filePath, line: 1, byteOffset: 0, reason: 'it is not a regular file' });
      }
      // First the lock file: while another process rotates, the journal's name is missing for a moment.
      const lock = await open(`${realPath}.lock`, 'a+', modeOf(existing));
      files.push(lock);
      if (!tryLock(lock.fd, 0, 0)) throw new JournalLockedError(filePath, await recordedHolder(lock));
      const journal = await open(realPath, 'a+');
      files.unshift(journal);
      if (!tryLock(journal.fd, FAR, 1)) throw new JournalLockedError(filePath);
      const [held, found] = await Promise.all([journal.stat({ bigint: true }), stat(realPath, { bigint: true })]);
      // Renamed in between: the locked file is not the one that the path names.
      if (held.ino !== found.ino || held.dev !== found.dev) throw new JournalLockedError(filePath);
      await recordHolder(lock);
      return new JournalLock(realPath, files, tryLock);
    } catch (error) {
      await closeAll(files);
      throw error;
    }
  }

  /** Locks the file that now has the journal's name, instead of the previous one. */
  async follow(): Promise<void> {
    const journal = await open(this.realPath, 'a+');
    try {
      const [held, found] = await Promise.all([this.#files[0]!, journal].map((file) => file.stat({ bigint: true })));
      if (held!.ino === found!.ino && held!.dev === found!.dev) {
        await journal.close();
        return;
      }
      if (!this.#tryLock(journal.fd, FAR, 1)) throw new JournalLockedError(this.realPath);
    } catch (error) {
      await journal.close();
      throw error;
    }
    const [before] = this.#files.splice(0, 1, journal);
    await before!.close();
  }

  /** Releases the lock; a second call does nothing. */
  async release(): Promise<void> {
    const lock = this.#files[1];
    if (lock && !this.#isReleased) await forgetHolder(lock);
    this.#isReleased = true;
    await closeAll(this.#files);
  }
}

/** Resolves after a while; rejects with the signal's reason. */
async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await firstValueFrom(signal ? race(timer(ms), aborted(signal)) : timer(ms));
}

async function closeAll(files: readonly FileHandle[]): Promise<void> {
  await Promise.all(files.map((file) => file.close()));
}
