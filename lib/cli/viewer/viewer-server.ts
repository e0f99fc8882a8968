import { randomBytes } from 'node:crypto';
import { finished } from 'node:stream/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import {
  asyncScheduler,
  distinctUntilChanged,
  exhaustMap,
  map,
  startWith,
  throttleTime,
  timer,
  type Observable,
} from 'rxjs';
import { describeError } from '../terminal/describe-error';
import { lineOfTime, rowsOf, search, survey, textOf } from './answers';
import { admitted } from './guard';
import { HeldSources } from './held-sources';
import { JournalList, type ListedJournal } from './journal-list';
import type { LineSource } from './line-source';
import { isUrl, openSource } from './open-source';

/** What the viewer shows, and how. */
export interface ViewerOptions {
  /** A file, a folder, or a URL. */
  readonly target: string;
  readonly isFolder: boolean;
  /** The field that says when an entry was written. Default: one that is found */
  readonly timeField?: string | undefined;
  /** 0: any free port. */
  readonly port: number;
  /** The page, with `NONCE` where its scripts and styles have their nonce. */
  readonly page: string;
}

/** What the command was called with. */
export interface Target {
  readonly name: string;
  readonly isFolder: boolean;
  /** The field that says when an entry was written, if it was given. */
  readonly timeField?: string | undefined;
}

/** The journals of a folder, or why it cannot be read. */
export interface ListedJournals {
  readonly journals: readonly ListedJournal[];
  readonly error?: string;
}

/** The shortest interval between two changes that are sent to a page, and the interval at which a folder is read. */
const CHANGES_MS = 100;
const LIST_MS = 1_000;
/** How long a journal of a folder stays open when no page shows it. */
export const KEPT_MS = 10_000;

const HEADERS = {
  'Cache-Control': 'no-store',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** Shows journals to programs of this machine that know the token. Only reads. */
export class ViewerServer {
  readonly #options: ViewerOptions;
  readonly #token = randomBytes(24).toString('base64url');
  readonly #server: Server;
  readonly #left = new AbortController();
  readonly #journals: JournalList | undefined;
  readonly #sources: HeldSources;

  constructor(options: ViewerOptions) {
    this.#options = options;
    const { target, isFolder } = options;
    this.#journals = isFolder ? new JournalList(target) : undefined;
    const open = (name: string) => openSource(isFolder ? join(target, name) : target, this.#left.signal);
    this.#sources = new HeldSources(open, isFolder ? KEPT_MS : Infinity);
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        if (response.headersSent) response.destroy();
        else send(response, 500, { error: describeError(error, this.#options.target) });
      });
    });
  }

  /** The address of the page; valid once `start` has resolved. */
  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/${this.#token}/`;
  }

  /** Rejects if the port is taken, and with the error that opening the journal fails with; also if it is closed meanwhile. */
  async start(): Promise<void> {
    if (!this.#options.isFolder) await this.#sources.using('', () => undefined);
    this.#left.signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#options.port, '127.0.0.1', resolve);
    });
  }

  async close(): Promise<void> {
    this.#left.abort();
    this.#server.close();
    this.#server.closeAllConnections();
    await this.#sources.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = admitted(request, this.#token);
    if (url === undefined) send(response, 403, { error: 'Open the address that the command has printed.' });
    else if (request.method !== 'GET') send(response, 405, { error: 'This only reads.' }, { Allow: 'GET' });
    else if (url.pathname === '/') this.#sendPage(response);
    else if (url.pathname === '/api/target') send(response, 200, this.#target);
    else if (url.pathname === '/api/journals' && this.#journals) await this.#sendList(this.#journals, response);
    else {
      const name = this.#journals ? (url.searchParams.get('journal') ?? '') : '';
      if (!(await this.#isThere(name))) sendNothing(response);
      else await this.#sources.using(name, (source) => answerAbout(source, url, response));
    }
  }

  get #target(): Target {
    const { target, isFolder, timeField } = this.#options;
    return { name: nameOf(target), isFolder, timeField };
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

  /** Sends the list now, and whenever it changes. */
  #sendList(journals: JournalList, response: ServerResponse): Promise<void> {
    const read = async (): Promise<ListedJournals> => {
      try {
        return { journals: await journals.read() };
      } catch (error) {
        return { journals: [], error: describeError(error, this.#options.target) };
      }
    };
    const list$ = timer(0, LIST_MS).pipe(
      exhaustMap(read),
      distinctUntilChanged((a, b) => JSON.stringify(a) === JSON.stringify(b)),
    );
    return sendEvents(list$, response);
  }

  /** Only what is listed: a name is no path. */
  async #isThere(name: string): Promise<boolean> {
    if (!this.#journals || this.#sources.has(name)) return true;
    return (await this.#journals.read()).some(({ path }) => path === name);
  }
}

/** The last part of a path or URL. A query may hold secrets. */
function nameOf(target: string): string {
  const { pathname, host } = isUrl(target) ? new URL(target) : { pathname: target, host: target };
  return basename(pathname) || host;
}

async function answerAbout(source: LineSource, url: URL, response: ServerResponse): Promise<void> {
  if (url.pathname === '/api/live') return sendChanges(source, response);
  const body = await answerTo(url, source);
  if (body === undefined) sendNothing(response);
  else send(response, 200, body);
}

function sendChanges(source: LineSource, response: ServerResponse): Promise<void> {
  const extents$ = source.changes$.pipe(
    startWith(undefined),
    throttleTime(CHANGES_MS, asyncScheduler, { leading: true, trailing: true }),
    map(() => source.extent),
  );
  return sendEvents(extents$, response);
}

/** What is asked about a journal; `undefined` for what there is not. */
function answerTo({ pathname, searchParams }: URL, source: LineSource): Promise<unknown> | undefined {
  const number = (name: string, otherwise: number) => {
    const text = searchParams.get(name) ?? '';
    return /^\d{1,15}$/.test(text) ? Number(text) : otherwise;
  };
  const timeField = searchParams.get('timeField') ?? undefined;
  switch (pathname) {
    case '/api/rows':
      return rowsOf(source, number('from', 1), number('to', 0), timeField);
    case '/api/line':
      return textOf(source, number('n', 0));
    case '/api/find':
      return source.find(number('position', 1));
    case '/api/survey':
      return survey(source, timeField);
    case '/api/time':
      return lineOfTime(source, number('at', 0), timeField);
    case '/api/search': {
      const range = { from: number('from', 1), before: number('before', Infinity) };
      return search(source, searchParams.get('q') ?? '', { ...range, timeField });
    }
    default:
      return undefined;
  }
}

/** Sends each state until the page leaves; to one that does not read, only the newest state. */
async function sendEvents(states$: Observable<unknown>, response: ServerResponse): Promise<void> {
  response.writeHead(200, { ...HEADERS, 'Content-Type': 'text/event-stream' });
  response.flushHeaders();
  let last: string | undefined;
  const write = () => {
    if (last === undefined || response.writableNeedDrain) return;
    response.write(`data: ${last}\n\n`);
    last = undefined;
  };
  const states = states$.subscribe((state) => {
    last = JSON.stringify(state);
    write();
  });
  response.on('drain', write);
  // The page may have left already.
  await finished(response).catch(() => undefined);
  states.unsubscribe();
}

function sendNothing(response: ServerResponse): void {
  send(response, 404, { error: 'There is nothing here.' });
}

function send(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  // Before the head is written, so that an error here is answered.
  const json = JSON.stringify(body);
  response.writeHead(status, { ...HEADERS, 'Content-Type': 'application/json; charset=utf-8', ...headers });
  response.end(json);
}
