import type { Found, Survey } from '../answers';
import type { Row } from '../line';
import type { Extent } from '../line-source';
import type { ListedJournals, Target } from '../viewer-server';

/** The server's answers about one journal. */
export class Server {
  /** The field that says when an entry was written; default: the usual ones. */
  timeField: string | undefined;
  readonly #journal: string;

  constructor(journal: string, timeField: string | undefined) {
    this.#journal = journal;
    this.timeField = timeField;
  }

  static async target(): Promise<Target> {
    return ask('api/target');
  }

  /** Calls with each list of a folder's journals, and with what is wrong while there is none. */
  static journals(changed: (list: ListedJournals) => void, failed: (error: Error) => void): void {
    listen('api/journals', (data) => changed(JSON.parse(data) as ListedJournals), failed);
  }

  rows(from: number, to: number): Promise<Row[]> {
    return ask(this.#url('rows', { from, to }));
  }

  line(n: number): Promise<{ text: string; entry?: unknown }> {
    return ask(this.#url('line', { n }));
  }

  find(position: number): Promise<number> {
    return ask(this.#url('find', { position }));
  }

  survey(): Promise<Survey> {
    return ask(this.#url('survey', {}));
  }

  /** The number of the first line of a time. */
  lineOfTime(at: number): Promise<number> {
    return ask(this.#url('time', { at: Math.ceil(at) }));
  }

  search(q: string, from: number, before: number): Promise<Found> {
    return ask(this.#url('search', { q, from, before }));
  }

  /** Calls with each extent, and with what is wrong while there is none. */
  live(changed: (extent: Extent) => void, failed: (error: Error) => void): void {
    listen(this.#url('live', {}), (data) => changed(JSON.parse(data) as Extent), failed);
  }

  #url(path: string, values: Record<string, string | number>): string {
    const query = new URLSearchParams({ journal: this.#journal });
    if (this.timeField !== undefined) query.set('timeField', this.timeField);
    for (const [key, value] of Object.entries(values)) query.set(key, String(value));
    return `api/${path}?${query}`;
  }
}

/** The pause before the server is asked again for what it has refused. */
const REFUSED_MS = 2_000;

/**
 * Calls with the data of each event, and with what is wrong while there is no connection. A page that is hidden has none, and is up to date with the
 * first event after it is shown again: a browser opens six connections to one server at most, for all of its tabs.
 */
function listen(url: string, report: (data: string) => void, failed: (error: Error) => void): void {
  let events: EventSource | undefined;
  const refused = async () => {
    const error = await refusalOf(url);
    if (error) failed(error);
    setTimeout(() => events?.readyState === EventSource.CLOSED && turn(), REFUSED_MS);
  };
  const turn = () => {
    events?.close();
    events = undefined;
    if (document.visibilityState === 'hidden') return;
    events = new EventSource(url);
    events.onmessage = ({ data }) => report(data as string);
    events.onerror = () => {
      failed(new Error('Not connected'));
      // It tries again, but not after a refusal.
      if (events?.readyState === EventSource.CLOSED) void refused();
    };
  };
  document.addEventListener('visibilitychange', turn);
  turn();
}

async function ask<T>(url: string): Promise<T> {
  const response = await fetch(url);
  if (!response.ok) throw await problemOf(response);
  return (await response.json()) as T;
}

async function problemOf(response: Response): Promise<Error> {
  // If Node itself refuses a request, the answer is not JSON.
  const { error } = (await response.json().catch(() => ({}))) as { error?: string };
  return new Error(error ?? `${response.status} ${response.statusText}`);
}

/** Why the server refuses a request, if it does: an EventSource does not say. */
async function refusalOf(url: string): Promise<Error | undefined> {
  const leaving = new AbortController();
  try {
    const response = await fetch(url, { signal: leaving.signal });
    return response.ok ? undefined : await problemOf(response);
  } catch {
    return undefined;
  } finally {
    leaving.abort();
  }
}
