import { ftruncateSync, writeSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { LockHolder } from '../../errors/journal-locked-error';

/** More bytes than any record of a holder. */
const MAX_BYTES = 1024;

/**
 * Records in the lock file that this process holds it. Has no effect if the file holds something else or cannot be written (on a full
 * disk, for instance): the record is only for people; the lock is the operating system's.
 */
export async function recordHolder(lock: FileHandle): Promise<void> {
  try {
    const { size } = await lock.stat();
    if (size > 0 && recordOf(await textOf(lock)) === undefined) return;
    ftruncateSync(lock.fd);
    writeSync(lock.fd, JSON.stringify({ pid: process.pid, host: hostname(), since: new Date().toISOString() }) + '\n');
  } catch {
    // The lock works without the record.
  }
}

/** Removes the record, before the lock is released. */
export async function forgetHolder(lock: FileHandle): Promise<void> {
  try {
    if (recordOf(await textOf(lock))) ftruncateSync(lock.fd);
  } catch {
    // The next holder overwrites it.
  }
}

/** The recorded holder of a lock; `undefined` if there is none, or if it was a process of this machine that has ended. */
export async function recordedHolder(lock: FileHandle): Promise<LockHolder | undefined> {
  const record = recordOf(await textOf(lock).catch(() => ''));
  if (!record) return undefined;
  const isHere = record.host === hostname();
  if (isHere && !isAlive(record.pid)) return undefined;
  return { ...record, isThisProcess: isHere && record.pid === process.pid };
}

async function textOf(lock: FileHandle): Promise<string> {
  const { buffer, bytesRead } = await lock.read(Buffer.alloc(MAX_BYTES), 0, MAX_BYTES, 0);
  return buffer.toString('utf8', 0, bytesRead);
}

function recordOf(text: string): Omit<LockHolder, 'isThisProcess'> | undefined {
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { pid, host, since } = Object(record) as Readonly<Record<string, unknown>>;
  return isPid(pid) && isName(host) && isTime(since) ? { pid, host, since } : undefined;
}

function isPid(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && /^[\w.-]{1,255}$/.test(value);
}

function isTime(value: unknown): value is string {
  return typeof value === 'string' && /^[\d:.TZ-]{20,30}$/.test(value);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
