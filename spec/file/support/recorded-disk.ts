import type * as Fs from 'node:fs';
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type * as Promises from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { DiskDirectory, DiskFile, stateNow, type DiskNode, type DiskState } from './disk-model';

const fs = jest.requireActual<typeof Fs>('node:fs');
const promises = jest.requireActual<typeof Promises>('node:fs/promises');

/** A lock's file: what is in it is for people alone, and that it is there means nothing. */
const isLock = (path: string) => path.endsWith('.lock');

type Call = (this: unknown, ...args: never[]) => unknown;

/** Records what the system is asked to do to a folder, and models what is on the disk after each call. */
export class RecordedDisk {
  /** What the folder is made of, which is on the disk when recording starts. */
  readonly root: DiskDirectory;
  readonly #folder: string;
  /** Called after each call that has changed something, or synced it. */
  readonly #onCall: (call: string) => void;
  readonly #files = new Map<number, DiskNode | undefined>();
  readonly #spies: jest.SpyInstance[] = [];

  private constructor(folder: string, prototype: FileHandle, onCall: (call: string) => void) {
    this.#folder = folder;
    this.#onCall = onCall;
    this.root = durable(folder);
    this.#recordHandles(prototype);
    this.#recordNames();
    this.#recordSync();
  }

  /** @param prototype - what every FileHandle is made of */
  static start(folder: string, prototype: FileHandle, onCall: (call: string) => void): RecordedDisk {
    return new RecordedDisk(folder, prototype, onCall);
  }

  stop(): void {
    for (const spy of this.#spies.splice(0)) spy.mockRestore();
  }

  /** What is really there, and what the model says: equal, if no call was missed. */
  get comparison(): [found: DiskState, modelled: DiskState] {
    return [readState(this.#folder), stateNow(this.root)];
  }

  #recordHandles(prototype: FileHandle): void {
    const { files, onCall } = this.#seen;
    const append = (file: DiskFile, written: unknown, data: Uint8Array | string, from = 0, length?: number) => {
      const bytes = typeof data === 'string' ? Buffer.from(data) : Buffer.from(data.subarray(from));
      const { bytesWritten } = (written ?? {}) as { bytesWritten?: number };
      file.change({ append: Buffer.from(bytes.subarray(0, bytesWritten ?? length)) });
    };
    for (const name of ['write', 'appendFile', 'writeFile'] as const) this.#onHandle(prototype, name, append);
    this.#onHandle(prototype, 'truncate', (file, _, size = 0) => file.change({ size }));
    for (const name of ['sync', 'datasync'] as const) {
      this.#replace(
        prototype,
        name,
        (real) =>
          async function (this: FileHandle) {
            const node = files.get(this.fd);
            const ended = node?.sync();
            await (real.call(this) as Promise<void>);
            ended?.();
            if (node) onCall(name);
          } as Call,
      );
    }
  }

  #recordNames(): void {
    this.#onNames('open', (handle: FileHandle, path: string) => this.#opened(handle.fd, path));
    this.#onNames('rename', (_: void, from: string, to: string) => {
      const node = this.#at(from);
      const directory = this.#directory(to);
      if (directory !== this.#directory(from)) throw new Error('Between two directories is not modelled');
      if (node) directory.change({ node, from: basename(from), to: basename(to) });
    });
    const removed = (_: void, path: string) => {
      const node = this.#at(path);
      if (node) this.#directory(path).change({ node, from: basename(path) });
    };
    this.#onNames('rm', removed);
    this.#onNames('unlink', removed);
    this.#onNames('link', (_: void, from: string, to: string) => {
      this.#directory(to).change({ node: this.#at(from)!, to: basename(to) });
    });
    this.#onNames('mkdir', (created: string | undefined, path: string) => {
      if (created === undefined) return;
      for (let made = resolve(created); ; made = join(made, relative(made, resolve(path)).split(sep)[0]!)) {
        this.#directory(made).change({ node: new DiskDirectory(new Map()), to: basename(made) });
        this.#onCall('mkdir');
        if (made === resolve(path)) return;
      }
    });
  }

  #recordSync(): void {
    const on = (name: 'openSync' | 'writeSync' | 'ftruncateSync' | 'fdatasyncSync', note: (...call: never[]) => void) =>
      this.#replace(fs, name, (real) => (...args: never[]) => {
        const result = real(...args);
        note(result as never, ...args);
        this.#onCall(name);
        return result;
      });
    on('openSync', (fd: number, path: string) => this.#opened(fd, path));
    on('writeSync', (written: number, fd: number, bytes: Uint8Array, from: number) => {
      const file = this.#files.get(fd);
      if (file instanceof DiskFile) file.change({ append: Buffer.from(bytes.subarray(from, from + written)) });
    });
    on('ftruncateSync', (_: void, fd: number, size = 0) => {
      const file = this.#files.get(fd);
      if (file instanceof DiskFile) file.change({ size });
    });
    on('fdatasyncSync', (_: void, fd: number) => this.#files.get(fd)?.sync()());
  }

  /** For functions that have a `this` of their own. */
  get #seen() {
    return { files: this.#files, onCall: this.#onCall };
  }

  #opened(fd: number, path: string): void {
    this.#files.set(fd, undefined);
    if (!this.#isInside(path)) return;
    let node = this.#at(path);
    if (!node) {
      node = new DiskFile(Buffer.alloc(0));
      this.#directory(path).change({ node, to: basename(path) });
    }
    this.#files.set(fd, node);
  }

  #isInside(path: string): boolean {
    return typeof path === 'string' && `${resolve(path)}${sep}`.startsWith(this.#folder + sep) && !isLock(path);
  }

  #at(path: string): DiskNode | undefined {
    const names = relative(this.#folder, resolve(path)).split(sep);
    let node: DiskNode | undefined = this.root;
    for (const name of names.filter((name) => name !== '')) {
      node = node instanceof DiskDirectory ? node.now.get(name) : undefined;
    }
    return node;
  }

  #directory(path: string): DiskDirectory {
    return this.#at(dirname(resolve(path))) as DiskDirectory;
  }

  #onHandle(
    prototype: FileHandle,
    name: 'write' | 'appendFile' | 'writeFile' | 'truncate',
    note: (file: DiskFile, result: unknown, ...args: never[]) => void,
  ): void {
    const { files, onCall } = this.#seen;
    this.#replace(
      prototype,
      name,
      (real) =>
        async function (this: FileHandle, ...args: never[]) {
          const result = await (real.apply(this, args) as Promise<unknown>);
          const file = files.get(this.fd);
          if (file instanceof DiskFile) {
            note(file, result, ...args);
            onCall(name);
          }
          return result;
        } as Call,
    );
  }

  #onNames(name: 'open' | 'rename' | 'rm' | 'unlink' | 'link' | 'mkdir', note: (...call: never[]) => void): void {
    this.#replace(promises, name, (real) => async (...args: never[]) => {
      const result = await (real(...args) as Promise<unknown>);
      if (name === 'open') note(result as never, ...args);
      else if (this.#isInside(args[0]!)) note(result as never, ...args);
      this.#onCall(name);
      return result;
    });
  }

  #replace(object: object, name: string, replacement: (real: Call) => Call): void {
    const methods = object as Record<string, Call>;
    const real = methods[name]!;
    this.#spies.push(jest.spyOn(methods, name).mockImplementation(replacement(real)));
  }
}

function durable(folder: string): DiskDirectory {
  const names = readdirSync(folder).filter((name) => !isLock(name));
  return new DiskDirectory(
    new Map(
      names.map((name) => {
        const path = join(folder, name);
        return [name, lstatSync(path).isDirectory() ? durable(path) : new DiskFile(readFileSync(path))];
      }),
    ),
  );
}

function readState(folder: string): DiskState {
  return stateNow(durable(folder));
}

/** Makes a folder what a state of the disk is. */
export function makeState(folder: string, state: DiskState): void {
  mkdirSync(folder);
  for (const [name, content] of state) {
    if (Buffer.isBuffer(content)) writeFileSync(join(folder, name), content);
    else makeState(join(folder, name), content);
  }
}

/** What a state is, as text: equal for equal states. */
export function shownState(state: DiskState, indent = ''): string {
  const names = [...state].sort(([one], [other]) => (one < other ? -1 : 1));
  const shown = names.map(([name, content]) => {
    if (!Buffer.isBuffer(content)) return `${indent}${name}/\n${shownState(content, `${indent}  `)}`;
    return `${indent}${name}: ${JSON.stringify(content.toString('latin1'))}\n`;
  });
  return shown.join('');
}
