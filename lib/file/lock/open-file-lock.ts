import { NotSupportedError } from '../../errors/not-supported-error';
import type { TryLock } from './os-lock';

/** The C library's `fcntl`, called with a `struct flock`. */
export type Fcntl = (fd: number, command: number, flock: Uint8Array) => number;

const LIBRARIES = ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1'];
const GET = 36;
const SET = 37;
const WRITE_LOCK = 1;
const UNLOCKED = 2;

/**
 * Linux's locks that belong to the open file, the kind that the native package uses:
 * https://man7.org/linux/man-pages/man2/F_OFD_SETLK.2const.html
 */
export async function openFileLock(load: (library: string) => Promise<Fcntl>): Promise<TryLock> {
  if (process.platform !== 'linux')
    throw new NotSupportedError(`a lock on a file by this runtime on ${process.platform}: Linux alone has it`);
  const fcntl = await loadFirst(load);
  return (fd, byteOffset, length) => {
    const flock = lockOf(byteOffset, length);
    if (fcntl(fd, SET, bytesOf(flock)) !== -1) return true;
    // Whether it failed because somebody has the lock, or for another reason.
    if (fcntl(fd, GET, bytesOf(flock)) !== -1 && flock.getInt16(0, true) !== UNLOCKED) return false;
    throw new NotSupportedError('a lock on this file: its file system refuses it');
  };
}

async function loadFirst(load: (library: string) => Promise<Fcntl>): Promise<Fcntl> {
  let failure: unknown;
  for (const library of LIBRARIES) {
    try {
      return await load(library);
    } catch (error) {
      if (error instanceof NotSupportedError) throw error;
      failure ??= error;
    }
  }
  throw failure;
}

/** `struct flock { short type, whence; off_t start, length; pid_t pid }`, little-endian, 64 bits. */
function lockOf(byteOffset: number, length: number): DataView {
  const flock = new DataView(new ArrayBuffer(32));
  flock.setInt16(0, WRITE_LOCK, true);
  flock.setBigInt64(8, BigInt(byteOffset), true);
  flock.setBigInt64(16, BigInt(length), true);
  return flock;
}

function bytesOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer);
}
