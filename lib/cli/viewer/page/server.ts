import type { Found } from '../answers';
import type { ListedJournal } from '../journal-list';
import type { Row } from '../line';
import type { Extent } from '../line-source';

export interface Target {
  readonly name: string;
  readonly journals?: readonly ListedJournal[];
}

/** The server's answers about one journal. */
export class Server {
  readonly #journal: string;

  constructor(journal: string) {
    this.#journal = journal;
  }

  static async target(): Promise<Target> {
    return ask('api/journals');
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

  times(): Promise<{ n: number; time: number }[]> {
    return ask(this.#url('times', {}));
  }

  search(q: string, from: number, before: number): Promise<Found> {
    return ask(this.#url('search', { q, from, before }));
  }

  /** Calls with each extent, and with `undefined` while there is no connection. */
  live(changed: (extent: Extent | undefined) => void): void {
    const events = new EventSource(this.#url('live', {}));
    events.onmessage = ({ data }) => changed(JSON.parse(data as string) as Extent);
    events.onerror = () => changed(undefined);
  }

  #url(path: string, values: Record<string, string | number>): string {
    const query = new URLSearchParams({ journal: this.#journal });
    for (const [key, value] of Object.entries(values)) query.set(key, String(value));
    return `api/${path}?${query}`;
  }
}

async function ask<T>(url: string): Promise<T> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(((await response.json()) as { error: string }).error);
  return (await response.json()) as T;
}
