import { element } from './element';
import { hueOf } from './hue-of';

export const ROW_PX = 28;
/** Browsers limit the height of an element; for a list that would be higher the scroll bar is scaled. */
const MAX_PX = 8_000_000;

/** What is shown of an entry, or of a line, in a list. */
export interface ShownRow {
  readonly n: number;
  readonly position?: number | undefined;
  readonly byteOffset?: number | undefined;
  readonly damage?: string | undefined;
  readonly type: string | undefined;
  /** Milliseconds since 1970. */
  readonly time?: number | undefined;
  readonly summary: string;
  /** `undefined` if that is not known. */
  readonly isFlushed?: boolean;
}

/** Where a list gets its rows from. */
export interface Rows {
  readonly count: number;
  at(index: number): ShownRow | undefined;
  /** Fetches the shown rows that are still missing. */
  show(from: number, to: number): void;
}

/** What a user does with a list. */
export interface RowEvents {
  /** The selected row is to be opened. */
  readonly selected: (index: number, isOpened: boolean) => void;
  /** Another part is shown. */
  readonly moved: (isAtEnd: boolean) => void;
}

/** A list of any length: only what is on the screen is in the page. */
export class RowList {
  readonly #list: HTMLElement;
  readonly #space: HTMLElement;
  readonly #container: HTMLElement;
  readonly #events: RowEvents;
  readonly #left = new AbortController();
  /** Whether times are shown with their dates. */
  isDated = false;
  #rows: Rows = { count: 0, at: () => undefined, show: () => undefined };
  /** The index of the row at the upper edge, plus the hidden fraction of it. */
  #top = 0;
  /** Where the scroll bar was last set or seen. */
  #scroll = 0;
  #selected = -1;
  #isDrawing = false;
  #follows = true;

  constructor(list: HTMLElement, events: RowEvents) {
    this.#list = list;
    this.#events = events;
    [this.#space, this.#container] = [element('div', 'space'), element('div', 'rows')];
    this.#space.role = this.#container.role = 'presentation';
    list.replaceChildren(this.#space, this.#container);
    const { signal } = this.#left;
    list.addEventListener('scroll', () => this.#scrolled(), { signal });
    list.addEventListener('wheel', (event) => this.#wheeled(event), { passive: false, signal });
    list.addEventListener('keydown', (event) => this.#pressed(event), { signal });
    // By its place: a row may have been redrawn between press and release.
    const clicked = ({ clientY }: MouseEvent) => {
      const index = Math.floor(this.#top + (clientY - list.getBoundingClientRect().top) / ROW_PX);
      if (index < this.#rows.count) this.select(index, true);
    };
    list.addEventListener('click', clicked, { signal });
    const resized = new ResizeObserver(() => {
      // A row that is in view stays in view when the panel opens.
      if (list.hasAttribute('aria-activedescendant') && !this.#follows) this.#reveal();
      this.draw();
    });
    resized.observe(list);
    signal.addEventListener('abort', () => resized.disconnect());
  }

  /** Stops drawing, and removes all listeners. */
  end(): void {
    this.#left.abort();
  }

  get selected(): number {
    return this.#selected;
  }

  set rows(rows: Rows) {
    this.#rows = rows;
    this.#selected = -1;
    this.draw();
  }

  /** Draws at the next frame. */
  draw(): void {
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    requestAnimationFrame(() => {
      this.#isDrawing = false;
      if (!this.#left.signal.aborted) this.#draw();
    });
  }

  /** Whether the list stays at its end when rows are added. */
  set follows(on: boolean) {
    this.#follows = on;
    this.draw();
  }

  /** Shows a row in the middle, and selects it. */
  jump(index: number): void {
    this.#moveTo(index - Math.floor(this.#visible / 2));
    this.select(index);
  }

  select(index: number, isOpened = false): void {
    if (this.#rows.count === 0) return;
    this.#selected = Math.max(0, Math.min(index, this.#rows.count - 1));
    this.#reveal();
    this.#events.selected(this.#selected, isOpened);
    this.draw();
  }

  #reveal(): void {
    if (this.#selected < this.#top) this.#moveTo(this.#selected);
    else if (this.#selected > this.#top + this.#visible - 1) this.#moveTo(this.#selected - this.#visible + 1);
  }

  get #visible(): number {
    return this.#list.clientHeight / ROW_PX;
  }

  get #maxTop(): number {
    return Math.max(0, this.#rows.count - this.#visible);
  }

  get #maxScroll(): number {
    return Math.max(0, Math.min(this.#rows.count * ROW_PX, MAX_PX) - this.#list.clientHeight);
  }

  #moveTo(top: number): void {
    this.#top = Math.max(0, Math.min(top, this.#maxTop));
    this.draw();
  }

  #scrolled(): void {
    // The event for what was set here comes later, when the list may have moved on, and with a rounded value.
    if (Math.abs(this.#list.scrollTop - this.#scroll) < 1.5) return;
    this.#scroll = this.#list.scrollTop;
    this.#top = this.#maxScroll === 0 ? 0 : (this.#list.scrollTop / this.#maxScroll) * this.#maxTop;
    this.#userMoved();
  }

  /** A turn of the wheel moves a long list as far as a short one. */
  #wheeled(event: WheelEvent): void {
    if (event.ctrlKey || event.deltaY === 0) return;
    event.preventDefault();
    const px = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * ROW_PX : event.deltaY;
    this.#moveTo(this.#top + px / ROW_PX);
    this.#userMoved();
  }

  #pressed(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(this.#visible) - 1);
    const bottom = Math.ceil(this.#top + this.#visible);
    const from = this.#selected < 0 ? bottom : this.#selected;
    const to = {
      ...{ ArrowUp: from - 1, ArrowDown: from + 1, PageUp: from - page, PageDown: from + page },
      ...{ Home: 0, End: this.#rows.count - 1, Enter: from },
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.select(to, event.key === 'Enter');
    this.#userMoved();
  }

  #userMoved(): void {
    this.#events.moved(this.#top >= this.#maxTop - 0.5);
    this.draw();
  }

  #scrollFor(top: number): number {
    return this.#maxTop === 0 ? 0 : (top / this.#maxTop) * this.#maxScroll;
  }

  #draw(): void {
    this.#space.style.height = `${Math.min(this.#rows.count * ROW_PX, MAX_PX)}px`;
    this.#top = this.#follows ? this.#maxTop : Math.min(this.#top, this.#maxTop);
    const scroll = this.#scrollFor(this.#top);
    if (Math.abs(this.#list.scrollTop - scroll) >= 1) this.#list.scrollTop = scroll;
    this.#scroll = this.#list.scrollTop;
    const from = Math.floor(this.#top);
    const to = Math.min(this.#rows.count - 1, Math.ceil(this.#top + this.#visible));
    this.#rows.show(from, to);
    const drawn: HTMLElement[] = [];
    for (let index = from; index <= to; index++) drawn.push(this.#rowAt(index));
    this.#container.replaceChildren(...drawn);
    const isShown = this.#selected >= from && this.#selected <= to;
    if (isShown) this.#list.setAttribute('aria-activedescendant', `row-${this.#selected}`);
    else this.#list.removeAttribute('aria-activedescendant');
  }

  #rowAt(index: number): HTMLElement {
    const row = this.#rows.at(index);
    const made = element(
      'div',
      row?.damage === undefined ? 'row' : 'row damage',
      ...(row ? partsOf(row, this.isDated) : ['…']),
    );
    made.id = `row-${index}`;
    made.role = 'option';
    made.ariaSelected = String(index === this.#selected);
    made.ariaSetSize = String(this.#rows.count);
    made.ariaPosInSet = String(index + 1);
    made.style.top = `${(index - this.#top) * ROW_PX}px`;
    return made;
  }
}

function partsOf(row: ShownRow, isDated: boolean): Node[] {
  const { n, position, time, type, summary, damage, byteOffset, isFlushed } = row;
  const parts: Node[] = [];
  if (isFlushed !== undefined) {
    const flushed = element('span', 'flushed', element('span', 'hidden', isFlushed ? 'flushed' : 'not flushed'));
    flushed.dataset.flushed = String(isFlushed);
    flushed.title = isFlushed ? 'flushed' : 'not flushed: a crash can lose it';
    parts.push(flushed);
  }
  parts.push(element('span', 'position', position === undefined ? `line ${n}` : String(position)));
  if (time !== undefined) {
    const iso = new Date(time).toISOString();
    const shown = element('span', 'time', isDated ? `${iso.slice(5, 10)} ${iso.slice(11, 23)}` : iso.slice(11, 23));
    shown.title = iso;
    parts.push(shown);
  }
  if (type !== undefined) {
    const shown = element('span', 'type', type);
    shown.style.setProperty('--hue', String(hueOf(type)));
    parts.push(shown);
  }
  const where = byteOffset === undefined ? '' : `line ${n} (byte ${byteOffset}): `;
  parts.push(element('span', 'summary', damage === undefined ? summary : `${where}${damage} — ${summary}`));
  return parts;
}
