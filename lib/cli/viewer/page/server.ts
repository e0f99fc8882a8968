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

  /** Calls with each list of a folder's journals, and with `undefined` while there is no connection. */
  static journals(changed: (list: ListedJournals | undefined) => void): void {
    listen('api/journals', (data) => changed(data === undefined ? data : (JSON.parse(data) as ListedJournals)));
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

  /** Calls with each extent, and with `undefined` while there is no connection. */
  live(changed: (extent: Extent | undefined) => void): void {
    listen(this.#url('live', {}), (data) => changed(data === undefined ? data : (JSON.parse(data) as Extent)));
  }

  #url(path: string, values: Record<string, string | number>): string {
    const query = new URLSearchParams({ journal: this.#journal });
    if (this.timeField !== undefined) query.set('timeField', this.timeField);
    for (const [key, value] of Object.entries(values)) query.set(key, String(value));
    return `api/${path}?${query}`;
  }
}

/**
 * Calls with the data of each event, and with `undefined` while there is no connection. A page that is hidden has none, and is up to date with the
 * first event after it is shown again: a browser opens six connections to one server at most, for all of its tabs.
 */
function listen(url: string, report: (data: string | undefined) => void): void {
  let events: EventSource | undefined;
  const turn = () => {
    events?.close();
    events = undefined;
    if (document.visibilityState === 'hidden') return;
    events = new EventSource(url);
    events.onmessage = ({ data }) => report(data as string);
    events.onerror = () => report(undefined);
  };
  document.addEventListener('visibilitychange', turn);
  turn();
}

async function ask<T>(url: string): Promise<T> {
  const response = await fetch(url);
  if (!response.ok) {
    // If Node itself refuses a request, the answer is not JSON.
    const { error } = (await response.json().catch(() => ({}))) as { error?: string };
    throw new Error(error ?? `${response.status} ${response.statusText}`);
  }
  return (await response.json()) as T;
}
