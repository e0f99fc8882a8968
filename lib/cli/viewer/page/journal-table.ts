import type { ListedJournal } from '../journal-list';
import { bytes } from './bytes';
import { element } from './element';

/** The journals of a folder, as links. */
export function journalTable(journals: readonly ListedJournal[]): HTMLElement {
  if (journals.length === 0)
    return element('p', '', 'There is no journal and no .ndjson, .jsonl or .log file here yet.');
  const head = element(
    'tr',
    '',
    ...['Journal', 'Entries', 'Size', 'Last change'].map((text) => element('th', '', text)),
  );
  const body = journals.map(({ path, name, entries, isEstimate, sizeBytes, changedMs }) => {
    const link = element('a', '', name);
    link.href = `?${new URLSearchParams({ journal: path })}`;
    const count = entries === undefined ? '–' : `${isEstimate ? 'about ' : ''}${entries.toLocaleString('en')}`;
    const changed = new Date(changedMs).toISOString().slice(0, 19).replace('T', ' ');
    return element('tr', '', ...[link, count, bytes(sizeBytes), changed].map((cell) => element('td', '', cell)));
  });
  return element('table', '', element('thead', '', head), element('tbody', '', ...body));
}
