import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { asyncScheduler, startWith, throttleTime } from 'rxjs';
import { describeError } from '../describe-error';
import { rowsOf, search, textOf, timesOf } from './answers';
import { admitted } from './guard';
import { listJournals } from './journal-list';
import type { LineSource } from './line-source';
import { openSource } from './open-source';

/** What is looked at, and how. */
export interface ViewerOptions {
  /** A file, a folder, or a URL. */
  readonly target: string;
  readonly isFolder: boolean;
  /** 0: any that is free. */
  readonly port: number;
  /** The page, with `NONCE` where its scripts and styles have their nonce. */
  readonly page: string;
}

/** A page is told of changes at most so often. */
const CHANGES_MS = 100;

const HEADERS = {
  'Cache-Control': 'no-store',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** Shows journals to whoever knows the token, on this machine alone; reads, and never writes. */
export class ViewerServer {
  readonly #options: ViewerOptions;
  readonly #token = randomBytes(24).toString('base64url');
  readonly #server: Server;
  readonly #left = new AbortController();
  readonly #sources = new Map<string, Promise<LineSource>>();

  constructor(options: ViewerOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        if (response.headersSent) response.destroy();
        else send(response, 500, { error: describeError(error, this.#options.target) });
      });
    });
  }

  /** Where the page is, once it listens. */
  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/${this.#token}/`;
  }

  /** Rejects where the port is not to be had, and with what opening the journal fails with. */
  async start(): Promise<void> {
    if (!this.#options.isFolder) await this.#open('');
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#options.port, '127.0.0.1', resolve);
    });
  }

  async close(): Promise<void> {
    this.#left.abort();
    this.#server.close();
    this.#server.closeAllConnections();
    const opened = await Promise.allSettled([...this.#sources.values()]);
    for (const source of opened) if (source.status === 'fulfilled') await source.value.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = admitted(request, this.#token);
    if (url === undefined) send(response, 403, { error: 'Open the address that the command has printed.' });
    else if (request.method !== 'GET') send(response, 405, { error: 'This only reads.' }, { Allow: 'GET' });
    else if (url.pathname === '/') this.#sendPage(response);
    else if (url.pathname === '/api/journals') send(response, 200, await this.#list());
    else {
      const source = await this.#sourceOf(url.searchParams.get('journal') ?? '');
      if (source && url.pathname === '/api/live') this.#sendChanges(source, response);
      else {
        const body = source && (await answerTo(url, source));
        if (body === undefined) send(response, 404, { error: 'There is nothing here.' });
        else send(response, 200, body);
      }
    }
  }

  async #list(): Promise<unknown> {
    const { target, isFolder } = this.#options;
    return { name: basename(target) || target, journals: isFolder ? await listJournals(target) : undefined };
  }

  #sendPage(response: ServerResponse): void {
    const nonce = randomBytes(16).toString('base64');
    const policy = `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
    response.writeHead(200, {
      ...HEADERS,
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': policy,
    });
    response.end(this.#options.page.replaceAll('NONCE', nonce));
  }

  #sendChanges(source: LineSource, response: ServerResponse): void {
    response.writeHead(200, { ...HEADERS, 'Content-Type': 'text/event-stream' });
    const changes = source.changes$
      .pipe(startWith(undefined), throttleTime(CHANGES_MS, asyncScheduler, { leading: true, trailing: true }))
      .subscribe(() => {
        // A page that does not read is told later: of the state, not of each change.
        if (!response.writableNeedDrain) response.write(`data: ${JSON.stringify(source.extent)}\n\n`);
      });
    const told = () => response.write(`data: ${JSON.stringify(source.extent)}\n\n`);
    response.on('drain', told);
    response.on('close', () => changes.unsubscribe());
  }

  async #sourceOf(name: string): Promise<LineSource | undefined> {
    const { target, isFolder } = this.#options;
    if (!isFolder) return this.#open('');
    // Only what is listed: a name is no path.
    const isListed = this.#sources.has(name) || (await listJournals(target)).some((listed) => listed.name === name);
    return isListed ? this.#open(name) : undefined;
  }

  #open(name: string): Promise<LineSource> {
    const { target, isFolder } = this.#options;
    let source = this.#sources.get(name);
    if (source === undefined) {
      source = openSource(isFolder ? join(target, name) : target, this.#left.signal);
      this.#sources.set(name, source);
      source.catch(() => this.#sources.delete(name));
    }
    return source;
  }
}

/** What is asked about a journal; `undefined` for what there is not. */
function answerTo({ pathname, searchParams }: URL, source: LineSource): Promise<unknown> | undefined {
  const number = (name: string, otherwise: number) => {
    const text = searchParams.get(name) ?? '';
    return /^\d{1,15}$/.test(text) ? Number(text) : otherwise;
  };
  switch (pathname) {
    case '/api/rows':
      return rowsOf(source, number('from', 1), number('to', 0));
    case '/api/line':
      return textOf(source, number('n', 0));
    case '/api/find':
      return source.find(number('position', 1));
    case '/api/times':
      return timesOf(source);
    case '/api/search':
      return search(source, searchParams.get('q') ?? '', number('from', 1), number('before', Infinity));
    default:
      return undefined;
  }
}

function send(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { ...HEADERS, 'Content-Type': 'application/json; charset=utf-8', ...headers });
  response.end(JSON.stringify(body));
}
