import type { FileHandle } from 'node:fs/promises';

type Method = (this: FileHandle, ...args: unknown[]) => Promise<unknown>;

/**
 * `write`: nothing is written. `half`: half of it is. `stuck`: half of it is, and cannot be taken back. `datasync`: what is written, or closed, cannot
 * be synced. `sync`: nor can the list of segments.
 */
export const DISK_FAULTS = ['write', 'half', 'stuck', 'datasync', 'sync'] as const;
export type DiskFault = (typeof DISK_FAULTS)[number];

/** Has every FileHandle fail, until it is mended. */
export class FailingDisk {
  readonly error = Object.assign(new Error('EIO: injected'), { code: 'EIO' });
  readonly #prototype: FileHandle;
  readonly #spies: jest.SpyInstance[] = [];

  constructor(prototype: FileHandle) {
    this.#prototype = prototype;
  }

  fail(fault: DiskFault): void {
    const always: Method = () => Promise.reject(this.error);
    const { error } = this;
    if (fault === 'write' || fault === 'datasync' || fault === 'sync') return this.#replace(fault, () => always);
    let writes = 0;
    this.#replace(
      'write',
      (real) =>
        async function (data, offset, length, at) {
          if (writes++ % 2 === 1) throw error;
          return real.call(this, data, offset, Math.ceil(Number(length) / 2), at);
        },
    );
    if (fault === 'stuck') this.#replace('truncate', () => always);
  }

  mend(): void {
    for (const spy of this.#spies.splice(0)) spy.mockRestore();
  }

  #replace(method: 'write' | 'truncate' | 'datasync' | 'sync', replacement: (real: Method) => Method): void {
    const real = this.#prototype[method] as unknown as Method;
    const methods = this.#prototype as unknown as Record<string, Method>;
    this.#spies.push(jest.spyOn(methods, method).mockImplementation(replacement(real)));
  }
}
