import { createHash } from 'node:crypto';
import { chmod, lstat, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { startWith, Subject, switchMap, type Observable } from 'rxjs';
import { NotSupportedError } from '../errors/not-supported-error';
import { WriteUncertainError } from '../errors/write-uncertain-error';
import type { FileScrivener } from '../file/file-scrivener';
import type { JournalHandlerOptions } from '../http/server/handler-options';
import { handlerOf } from '../http/server/journal-handler';
import { nodeListener } from '../http/server/node-listener';
import { problemOf } from '../http/server/problem';
import { FIRST_HEADER, KEY_HEADER, MEMORY_HEADER } from '../http/protocol';
import { readBody } from '../http/read-body';
import { REMEMBER_COUNT, REMEMBER_MS, WriteMemory } from '../http/server/write-memory';
import type { WriteOptions } from '../journal/scrivener';
import type { Position } from '../journal/position';
import { headEvents, HEADS_TYPE } from './heads';
import { CLOSING_HEADER } from './socket-fetch';

/** The media type of several entries that are written as one. */
export const GROUP_TYPE = 'application/vnd.rx-scrivener.group+json';
/** A guest is this user's own: this bounds what a mistake costs. */
const MAX_BODY_BYTES = 256 * 1024 * 1024;
const HEARTBEAT_MS = 2_000;
/** How long a holder that closes waits for the rest of a request: a guest that is stopped does not send it. */
const REST_MS = 1_000;

/** Holds the file, and serves it to the other processes. */
export class Holder<T> {
  readonly file: FileScrivener<T>;
  readonly #handler: (request: Request) => Promise<Response>;
  readonly #memory = new WriteMemory(REMEMBER_MS, REMEMBER_COUNT);
  /** The file in which the next holder finds the remembered writes. */
  readonly #memoryPath: string | undefined;
  readonly #server: Server;
  /** The unanswered requests that write; none of the promises rejects. */
  readonly #writing = new Set<Promise<void>>();
  /** Those of them that other processes have sent, or are sending. */
  readonly #posts = new Set<IncomingMessage>();
  readonly #reopened = new Subject<void>();
  #isClosing = false;

  private constructor(file: FileScrivener<T>, memoryPath: string | undefined) {
    this.file = file;
    this.#memoryPath = memoryPath;
    const options: JournalHandlerOptions<T> = {
      authorize: 'public', // only this user gets to the socket
      maxBodyBytes: MAX_BODY_BYTES,
      heartbeatMs: HEARTBEAT_MS,
      maxTailMs: Infinity,
    };
    this.#handler = handlerOf(file, options, { memory: this.#memory, digestOf });
    const listen = nodeListener((request) => this.handle(request));
    this.#server = createServer((request: IncomingMessage, response: ServerResponse) => {
      if (!this.#isClosing) {
        if (request.method === 'POST') this.#trackPost(request, response);
        listen(request, response);
        return;
      }
      request.resume();
      response.writeHead(503, { [CLOSING_HEADER]: '1', Connection: 'close' }).end();
    });
    // A kept connection is never closed during a request.
    this.#server.keepAliveTimeout = 0;
    this.#server.requestTimeout = 0;
  }

  /** Serves an open, and therefore locked, file at a socket. An existing socket is left from a process that has ended. */
  static async start<T>(file: FileScrivener<T>, socketPath: string): Promise<Holder<T>> {
    // A pipe has no folder.
    const hasFolder = process.platform !== 'win32';
    const holder = new Holder(file, hasFolder ? `${socketPath}.writes` : undefined);
    const server = holder.#server;
    if (hasFolder) await removeSocket(socketPath);
    await holder.#takeOver();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      // Not through the primary of a cluster, which may be blocked, and keeps the sockets of ended workers.
      server.listen({ path: socketPath, exclusive: true }, () => {
        server.off('error', reject);
        resolve();
      });
    });
    server.on('error', () => undefined);
    if (hasFolder) await chmod(socketPath, 0o600);
    return holder;
  }

  /** The last position that is in the file, then each change; completes when the file is closed. */
  get flushed$(): Observable<Position> {
    return this.#reopened.pipe(
      startWith(undefined),
      switchMap(() => this.file.flushed$),
    );
  }

  /** Answers a request of this process or another. */
  async handle(request: Request): Promise<Response> {
    if (request.headers.get('Accept') === HEADS_TYPE) return this.#heads();
    const answering = request.method === 'POST' ? this.#post(request) : this.#handler(request);
    if (request.method === 'POST') this.#track(answering);
    return answering;
  }

  /** Writes an entry, and resolves when it is flushed. */
  async write(entry: T, options?: WriteOptions): Promise<Position> {
    const position = await this.file.write(entry, options).finally(() => this.#reopenFailed());
    await this.#flushed(position);
    return position;
  }

  /** {@link Holder.write} for several entries as one. */
  async writeAll(entries: Iterable<T>, options?: WriteOptions): Promise<Position[]> {
    const positions = await this.file.writeAll(entries, options).finally(() => this.#reopenFailed());
    const last = positions.at(-1);
    if (last !== undefined) await this.#flushed(last);
    return positions;
  }

  /** Accepts no more requests, answers the pending ones, and releases the file, which another process then takes. */
  async close(): Promise<void> {
    this.#isClosing = true;
    const cut = setTimeout(() => this.#cutIncomplete(), REST_MS);
    while (this.#writing.size > 0) await Promise.all(this.#writing);
    clearTimeout(cut);
    const closed = new Promise((resolve) => this.#server.close(resolve));
    // Before the journal ends, so that its guests' tails continue elsewhere.
    this.#server.closeAllConnections();
    await closed;
    await this.#handOver();
    this.#reopened.complete();
    await this.file.close();
  }

  /** A guest that was cut off sends its write again, and must get the answer to the first one. */
  async #handOver(): Promise<void> {
    if (this.#memoryPath === undefined) return;
    const text = JSON.stringify({ head: this.file.head, memory: await this.#memory.handOver() });
    await writeFile(this.#memoryPath, text, { mode: 0o600 }).catch(() => undefined);
  }

  /** The remembered writes are used once: after a crash they would lack the later writes. */
  async #takeOver(): Promise<void> {
    if (this.#memoryPath === undefined) return;
    try {
      const text = await readFile(this.#memoryPath, 'utf8');
      await rm(this.#memoryPath);
      const { head, memory } = JSON.parse(text) as { head: Position; memory: string };
      // Another journal's lock file may have the number of one that was removed.
      if (head <= this.file.head) this.#memory.takeOver(memory);
    } catch {
      // It is missing, or a crash has left half of it: then nothing is remembered.
    }
  }

  /** Nothing of an incomplete request is written: its guest sends it again, to the next holder. */
  #cutIncomplete(): void {
    for (const request of this.#posts) if (!request.complete) request.destroy();
  }

  #trackPost(request: IncomingMessage, response: ServerResponse): void {
    this.#posts.add(request);
    this.#track(new Promise((resolve) => response.once('close', resolve)).then(() => this.#posts.delete(request)));
  }

  #track(answering: Promise<unknown>): void {
    const settled = () => void this.#writing.delete(tracked);
    const tracked: Promise<void> = answering.then(settled, settled);
    this.#writing.add(tracked);
  }

  async #post(request: Request): Promise<Response> {
    await this.#reopenFailed();
    return request.headers.get('Content-Type') === GROUP_TYPE ? this.#group(request) : this.#handler(request);
  }

  /** After a failure, as on a full disk, each write is another try, also for what was written before. */
  async #reopenFailed(): Promise<void> {
    if (this.file.flusher.status !== 'Failed') return;
    await this.file.reopen().catch(() => undefined);
    this.#reopened.next();
  }

  async #flushed(position: Position): Promise<void> {
    try {
      await this.file.whenFlushed(position);
    } catch (cause) {
      throw new WriteUncertainError({ cause });
    }
  }

  #heads(): Response {
    const headers = { [MEMORY_HEADER]: this.#memory.token, [FIRST_HEADER]: String(this.file.first) };
    return new Response(headEvents(this.flushed$), { headers });
  }

  async #group(request: Request): Promise<Response> {
    const headers = { [MEMORY_HEADER]: this.#memory.token };
    try {
      const body = await readBody(request.body, MAX_BODY_BYTES);
      const write = async () => {
        const { entries, expect } = JSON.parse(new TextDecoder().decode(body)) as Group<T>;
        const positions = await this.writeAll(entries, expect === undefined ? {} : { expect });
        return { status: 201, body: { position: positions.at(-1) ?? this.file.flushed } };
      };
      const key = request.headers.get(KEY_HEADER)!;
      const digest = digestOf(body);
      const since = request.headers.get(MEMORY_HEADER) ?? undefined;
      const answer = await this.#memory.answer({ key, caller: undefined, digest, count: 1, since }, () =>
        write().catch((error: unknown) => problemOf(error)),
      );
      return Response.json(answer.body, { status: answer.status, headers });
    } catch (error) {
      return problemOf(error).toResponse(headers);
    }
  }
}

/** Synchronous: for a guest's requests, another thread would cost more than the digest. */
function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64');
}

/** Entries that are written as one. */
interface Group<T> {
  readonly entries: readonly T[];
  readonly expect?: Position;
}

/** Removes a socket that nobody listens at; anything else in its place is not ours. */
async function removeSocket(socketPath: string): Promise<void> {
  const found = await lstat(socketPath).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) throw new NotSupportedError(`${socketPath} is not a socket: remove it`);
  await rm(socketPath, { force: true });
}
