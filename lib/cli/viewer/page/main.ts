import type { Extent } from '../line-source';
import { differenceOf, titleOf, treeOf, type Detail } from './detail';
import { button, element, find } from './element';
import { FoundRows } from './found-rows';
import { JournalRows } from './journal-rows';
import { RowList } from './row-list';
import { Server, type Target } from './server';
import { TimeLine } from './time-line';

const RATE_MS = 1_000;

function showList(journals: NonNullable<Target['journals']>): void {
  const nav = find('.journals');
  const cells = (name: 'th' | 'td', ...texts: (string | Node)[]) =>
    element('tr', '', ...texts.map((text) => element(name, '', text)));
  const body = journals.map(({ name, last, sizeBytes, changedMs }) => {
    const link = element('a', '', name);
    link.href = `?${new URLSearchParams({ journal: name })}`;
    return cells('td', link, last?.toLocaleString('en') ?? '–', bytes(sizeBytes), new Date(changedMs).toLocaleString());
  });
  const head = cells('th', 'Journal', 'Last position', 'Size', 'Last change');
  nav.append(element('table', '', element('thead', '', head), element('tbody', '', ...body)));
  if (journals.length === 0) nav.append('There is no .ndjson, .jsonl or .log file in this folder.');
  nav.hidden = false;
}

function showJournal(server: Server): void {
  find('.journal').hidden = false;
  const [status, figures, panel] = [find('.status'), find('.figures'), find('aside')];
  const field = find('.search input') as HTMLInputElement;
  const jump = find('.jump input') as HTMLInputElement;
  const follow = find('.follow') as HTMLButtonElement;
  let isFollowing = true;
  let found: FoundRows | undefined;
  let marked: Detail | undefined;
  let rate = '';

  const list = new RowList(find('.list'), (index) => void open(index), setFollowing);
  const all = new JournalRows(server, () => list.draw());
  const shown = () => found ?? all;
  const times = new TimeLine(find('.times'), server, (n) => {
    search('');
    setFollowing(false);
    list.jump(n - all.extent.first);
  });
  list.rows = all;

  function setFollowing(on: boolean): void {
    isFollowing = on;
    follow.ariaPressed = String(on);
    list.follows = on;
  }

  function changed(): void {
    list.draw();
    const { head, first, sizeBytes } = all.extent;
    const size = sizeBytes === undefined ? '' : ` · ${bytes(sizeBytes)}`;
    figures.textContent = `${(head - first + 1).toLocaleString('en')} entries${size}${rate}`;
  }

  function say(extent: Extent | undefined): void {
    status.textContent = extent === undefined ? 'Not connected' : (extent.error ?? found?.summary ?? '');
  }

  function search(text: string): void {
    found?.end();
    found = undefined;
    field.value = text;
    if (text.trim() !== '') {
      found = new FoundRows(server, text, all.extent.head, () => {
        changed();
        say(all.extent);
      });
    }
    list.rows = shown();
    say(all.extent);
    changed();
  }

  async function open(index: number): Promise<void> {
    const row = shown().at(index);
    const line = row && (await server.line(row.n).catch(() => undefined));
    if (!row || !line) return;
    const detail = { row, ...line };
    const copy = button('Copy', () => {
      void navigator.clipboard.writeText(line.text).then(() => (copy.textContent = 'Copied'));
    });
    const compare = button('Compare with the next opened', () => {
      marked = detail;
      compare.textContent = 'The next one opened is compared';
    });
    const actions = element('div', 'actions', copy, compare, button('Close', close));
    panel.replaceChildren(element('h2', '', `${titleOf(row)}, ${row.bytes.toLocaleString('en')} bytes`), actions);
    if (row.damage !== undefined) {
      const where = row.byteOffset === undefined ? '' : `Line ${row.n} (byte ${row.byteOffset}): `;
      panel.append(element('p', 'alarm', where + row.damage));
    }
    if (marked && marked.row.n !== row.n) {
      panel.append(differenceOf(marked, detail));
      marked = undefined;
    }
    panel.append(line.entry === undefined ? element('pre', '', line.text) : treeOf(line.entry));
    panel.hidden = false;
  }

  function close(): void {
    panel.hidden = true;
    find('.list').focus();
  }

  find('.search').addEventListener('submit', (event) => {
    event.preventDefault();
    search(field.value);
    find('.list').focus();
  });
  // The cross of the field.
  field.addEventListener('search', () => field.value === '' && search(''));
  find('.jump').addEventListener('submit', (event) => {
    event.preventDefault();
    const position = Number(jump.value);
    if (jump.value === '' || !Number.isSafeInteger(position)) return;
    search('');
    setFollowing(false);
    void server.find(position).then((n) => {
      list.jump(n - all.extent.first);
      find('.list').focus();
    });
  });
  find('.damaged').addEventListener('click', () => search('is:damaged'));
  follow.addEventListener('click', () => setFollowing(!isFollowing));
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && !panel.hidden) close();
    if (event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === '/') field.focus();
    else if (event.key === 'g') jump.focus();
    else if (event.key === 'f') setFollowing(!isFollowing);
    else return;
    event.preventDefault();
  });

  let [before, beforeMs] = [-1, performance.now()];
  setInterval(() => {
    const { head } = all.extent;
    const now = performance.now();
    rate = before >= 0 && head > before ? ` · ${Math.round(((head - before) * 1000) / (now - beforeMs))} a second` : '';
    [before, beforeMs] = [head, now];
    changed();
  }, RATE_MS);

  server.live((extent) => {
    say(extent);
    if (extent === undefined) return;
    const isAnother = extent.generation !== all.extent.generation;
    all.extent = extent;
    if (isAnother && found) search(field.value);
    found?.follow(extent.head);
    times.changed(extent);
    changed();
  });
}

function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const unit = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
  return `${(count / 1000 ** unit).toFixed(unit === 0 ? 0 : 1)} ${units[unit]}`;
}

async function main(): Promise<void> {
  const { name, journals } = await Server.target();
  const journal = new URLSearchParams(location.search).get('journal');
  document.title = find('h1').textContent = journal ?? name;
  if (journals && journal === null) showList(journals);
  else showJournal(new Server(journal ?? ''));
}

main().catch((error: unknown) => (find('.status').textContent = String(error)));
