import type { Survey } from '../answers';
import type { Extent } from '../line-source';
import type { ListedJournals } from '../viewer-server';
import { isUsual } from '../../figures/entry-times';
import { bytes } from './bytes';
import { differenceOf, titleOf, type Detail } from './difference';
import { button, element, find } from './element';
import { FoundRows } from './found-rows';
import { frequentTypes } from './frequent-types';
import { journalTable } from './journal-table';
import { EVERYTHING, JournalRows } from './journal-rows';
import { RowList } from './row-list';
import { Server } from './server';
import { TimeLine, type TimeSpan } from './time-line';
import { treeOf } from './tree';
import { TypeFilter } from './type-filter';

const RATE_MS = 1_000;
/** A journal is surveyed again when it has grown by this factor, or has grown at all after this time. */
const GROWTH = 1.1;
const SURVEY_MS = 5_000;
/** And not before this many times the duration of a survey has passed. */
const SURVEY_PAUSE = 20;

function showList(): void {
  const nav = find('.journals');
  nav.hidden = false;
  const say = (text = '') => (find('.status').textContent = text);
  const changed = (list: ListedJournals) => {
    say(list.error);
    const focused = (document.activeElement as HTMLAnchorElement | null)?.href;
    nav.replaceChildren(journalTable(list.journals));
    if (focused) [...nav.querySelectorAll('a')].find(({ href }) => href === focused)?.focus();
  };
  Server.journals(changed, ({ message }) => say(message));
}

function showJournal(server: Server): void {
  find('.journal').hidden = false;
  const [status, figures, panel] = [find('.status'), find('.figures'), find('aside')];
  const field = find('.search input') as HTMLInputElement;
  const jump = find('.jump input') as HTMLInputElement;
  const follow = find('.follow') as HTMLButtonElement;
  const timeField = find('.time-field') as HTMLSelectElement;
  let isFollowing = true;
  let found: FoundRows | undefined;
  let opened: Detail | undefined;
  /** The line that those opened after it are compared with. */
  let base: Detail | undefined;
  let chosen: TimeSpan | undefined;
  let rate = '';

  const list = new RowList(find('.list'), {
    selected: (index, isOpened) => void ((isOpened || !panel.hidden) && open(index)),
    moved: setFollowing,
  });
  const all = new JournalRows(server, () => list.draw());
  const shown = () => found ?? all;
  const types = new TypeFilter(find('.types'), () => search());
  const times = new TimeLine(find('.times'), {
    jump: (time) => void server.lineOfTime(time).then(show, say),
    select: (span) => void select(span),
  });
  list.rows = all;

  function setFollowing(on: boolean): void {
    isFollowing = on;
    follow.ariaPressed = String(on);
    list.follows = on;
  }

  function changed(): void {
    list.draw();
    const { head, first, sizeBytes, flushed = head } = all.extent;
    const part = all.span === EVERYTHING ? '' : `${all.count.toLocaleString('en')} of `;
    const size = sizeBytes === undefined ? '' : ` · ${bytes(sizeBytes)}`;
    const waiting = flushed < head ? ` · ${(head - flushed).toLocaleString('en')} not flushed` : '';
    const count = head - first + 1;
    const entries = `${count.toLocaleString('en')} ${count === 1 ? 'entry' : 'entries'}`;
    figures.textContent = `${part}${entries}${size}${waiting}${rate}`;
  }

  /** Shows the status, or the error. */
  function say(error?: unknown): void {
    const how = all.extent.error ?? found?.summary ?? '';
    status.textContent = error === undefined ? how : error instanceof Error ? error.message : 'Not connected';
  }

  /** Starts the search that the field asks for, in the chosen span. */
  function search(): void {
    found?.end();
    const query = [field.value, ...[...types.chosen].map((type) => `type:"${type}"`)].join(' ').trim();
    found =
      query === ''
        ? undefined
        : new FoundRows(server, query, all.span, all.extent, () => {
            changed();
            say();
          });
    list.rows = shown();
    say();
    changed();
  }

  /** Leaves the search, and shows a line among all lines. */
  function show(n: number): void {
    field.value = '';
    types.clear();
    if (n < all.span.from || n > all.span.to) times.clear();
    search();
    setFollowing(false);
    list.jump(all.indexOf(Math.min(n, all.extent.head)));
  }

  async function select(span: TimeSpan | undefined): Promise<void> {
    chosen = span;
    const lineOf = (time: number, otherwise: number) =>
      Number.isFinite(time) ? server.lineOfTime(time) : Promise.resolve(otherwise);
    try {
      const [from, next] = await Promise.all([
        lineOf(span?.from ?? -Infinity, 1),
        lineOf(span?.to ?? Infinity, Infinity),
      ]);
      // Another span may have been chosen meanwhile.
      if (chosen !== span) return;
      all.span = span ? { from, to: next - 1 } : EVERYTHING;
      setFollowing(next === Infinity);
      search();
      if (next !== Infinity) list.jump(0);
    } catch (error) {
      say(error);
    }
  }

  async function open(index: number): Promise<void> {
    const row = shown().at(index);
    const line = row && (await server.line(row.n).catch(() => undefined));
    if (!row || !line || index !== list.selected) return;
    // The row must not move away while it is read.
    setFollowing(false);
    draw((opened = { row, ...line }));
  }

  function draw(detail: Detail): void {
    const { row, text, entry } = detail;
    const copied = button('Copy', () => void copy(detail));
    copied.className = 'copy';
    const compare = button(base ? 'Stop comparing' : 'Compare', () => compareWith(base ? undefined : detail));
    compare.ariaPressed = String(base !== undefined);
    const time = row.time === undefined ? '' : ` · ${new Date(row.time).toISOString()}`;
    panel.replaceChildren(
      element('h2', '', titleOf(row)),
      element('p', 'about', `${row.bytes.toLocaleString('en')} bytes${time}`),
      element('div', 'actions', copied, compare, button('Close', close)),
    );
    if (row.isCut) panel.append(element('p', 'alarm', 'It is very long: only its beginning is shown, and copied.'));
    if (row.damage !== undefined) {
      const where = row.byteOffset === undefined ? '' : `Line ${row.n} (byte ${row.byteOffset}): `;
      panel.append(element('p', 'alarm', where + row.damage));
    }
    if (base && base.row.n !== row.n) panel.append(differenceOf(base, detail));
    else if (base) panel.append(element('p', 'about', 'The next one that is opened is compared with this one.'));
    panel.append(entry === undefined ? element('pre', '', text) : treeOf(entry));
    panel.hidden = false;
  }

  async function copy({ text }: Detail): Promise<void> {
    const how = await navigator.clipboard.writeText(text).then(
      () => 'Copied',
      () => 'Not copied: the browser does not allow it',
    );
    find('.copy').textContent = how;
  }

  function compareWith(detail: Detail | undefined): void {
    base = detail;
    if (opened) draw(opened);
  }

  function close(): void {
    panel.hidden = true;
    find('.list').focus();
  }

  function surveyed({ samples, timeField: used, timeFields }: Survey): void {
    if (used !== server.timeField) {
      server.timeField = used;
      all.forget();
    }
    types.offer(frequentTypes(samples));
    times.draw(samples);
    list.isDated = times.isLong;
    const usual = timeFields.filter(isUsual).join(' or ');
    const options = new Map(timeFields.map((name) => [name, name]));
    if (usual !== '') options.set('auto', usual);
    if (used !== undefined && used !== '') options.set(used, used);
    options.set('', 'none');
    timeField.hidden = timeFields.length === 0 && used === undefined;
    timeField.replaceChildren(...[...options].map(([value, text]) => new Option(`Time: ${text}`, value)));
    timeField.value = used ?? 'auto';
    list.draw();
  }

  let surveyedAt = { generation: -1, head: 0, ms: 0 };
  /** How long the last survey took. */
  let surveyMs = 0;
  let isSurveying = false;
  function survey(): void {
    const { generation, head } = all.extent;
    const now = performance.now();
    const isOld = head > surveyedAt.head && now - surveyedAt.ms > Math.max(SURVEY_MS, surveyMs * SURVEY_PAUSE);
    const isOther = generation !== surveyedAt.generation || head > surveyedAt.head * GROWTH;
    if (isSurveying || !(isOld || isOther)) return;
    isSurveying = true;
    surveyedAt = { generation, head, ms: now };
    void server
      .survey()
      .then(surveyed, say)
      .finally(() => {
        isSurveying = false;
        surveyMs = performance.now() - now;
        survey();
      });
  }

  find('.search').addEventListener('submit', (event) => {
    event.preventDefault();
    search();
    find('.list').focus();
  });
  // The field's button that clears it.
  field.addEventListener('search', () => field.value === '' && search());
  find('.jump').addEventListener('submit', (event) => {
    event.preventDefault();
    const position = Number(jump.value);
    if (jump.value === '' || !Number.isSafeInteger(position)) return;
    void server.find(position).then((n) => {
      show(n);
      find('.list').focus();
    }, say);
  });
  find('.damaged').addEventListener('click', () => {
    field.value = 'is:damaged';
    search();
  });
  timeField.addEventListener('change', () => {
    server.timeField = timeField.value === 'auto' ? undefined : timeField.value;
    times.clear();
    all.forget();
    search();
    surveyedAt.generation = -1;
    survey();
  });
  follow.addEventListener('click', () => setFollowing(!isFollowing));
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && !panel.hidden) close();
    if (event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const does = {
      '/': () => field.select(),
      g: () => jump.select(),
      f: () => setFollowing(!isFollowing),
      t: () => find('.thumb').focus(),
      c: () => opened && !panel.hidden && void copy(opened),
      d: () => opened && !panel.hidden && compareWith(base ? undefined : opened),
    }[event.key];
    if (!does) return;
    event.preventDefault();
    does();
  });

  let [before, beforeMs] = [-1, performance.now()];
  setInterval(() => {
    const { head } = all.extent;
    const now = performance.now();
    rate = before >= 0 && head > before ? ` · ${Math.round(((head - before) * 1000) / (now - beforeMs))} a second` : '';
    [before, beforeMs] = [head, now];
    survey();
    changed();
  }, RATE_MS);
  // Entries that came while the page was hidden did not come within a second.
  document.addEventListener('visibilitychange', () => (before = -1));

  const extended = (extent: Extent) => {
    const isAnother = extent.generation !== all.extent.generation;
    all.extent = extent;
    say();
    if (isAnother) times.clear();
    if (isAnother && found) search();
    found?.follow(extent);
    survey();
    changed();
  };
  server.live(extended, say);
}

async function main(): Promise<void> {
  const { name, isFolder, timeField } = await Server.target();
  const journal = new URLSearchParams(location.search).get('journal');
  document.title = find('h1').textContent = journal ?? name;
  find('.back').hidden = !isFolder || journal === null;
  if (isFolder && journal === null) showList();
  else showJournal(new Server(journal ?? '', timeField));
}

main().catch((error: unknown) => (find('.status').textContent = String(error)));
