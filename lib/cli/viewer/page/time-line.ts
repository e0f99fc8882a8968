import type { Sample } from '../answers';
import { element } from './element';

const BARS = 120;
/** A press that moves less than this is a click. */
const CLICK_PX = 4;

/** From one time to another, in milliseconds since 1970; `to` is infinite if the span follows the journal. */
export interface TimeSpan {
  readonly from: number;
  readonly to: number;
}

/** What the user does on the time line. */
export interface TimeChoices {
  /** A moment was clicked. */
  readonly jump: (time: number) => void;
  /** A span was chosen, or the choice was cleared. */
  readonly select: (span: TimeSpan | undefined) => void;
}

/** How many entries there were in each part of the time, judged by samples, and which span of it was chosen. */
export class TimeLine {
  readonly #box: HTMLElement;
  readonly #bars: HTMLElement;
  readonly #chosen: HTMLElement;
  readonly #thumbs: readonly [HTMLElement, HTMLElement];
  readonly #choices: TimeChoices;
  #first = 0;
  #last = 0;
  /** Which bars are chosen: from the beginning of one to the beginning of another. */
  #range: [number, number] = [0, BARS];
  /** Where the pointer was pressed. */
  #pressed: { readonly x: number; readonly edge: number } | undefined;

  constructor(box: HTMLElement, choices: TimeChoices) {
    this.#box = box;
    this.#choices = choices;
    this.#bars = box.querySelector('.bars')!;
    this.#chosen = box.querySelector('.chosen')!;
    this.#thumbs = [...box.querySelectorAll<HTMLElement>('.thumb')] as [HTMLElement, HTMLElement];
    const brush = box.querySelector<HTMLElement>('.brush')!;
    brush.addEventListener('pointerdown', (event) => this.#press(event, brush));
    brush.addEventListener('pointermove', (event) => this.#drag(event, brush));
    brush.addEventListener('pointerup', (event) => this.#release(event, brush));
    brush.addEventListener('pointercancel', () => (this.#pressed = undefined));
    this.#thumbs.forEach((thumb, which) => {
      thumb.addEventListener('keydown', (event) => this.#key(event, which as 0 | 1));
    });
    box.querySelector('button')!.addEventListener('click', () => this.clear());
  }

  /** Whether the first and the last time are on different days. */
  get isLong(): boolean {
    return day(this.#first) !== day(this.#last);
  }

  /** Draws the samples; a chosen span keeps its times. */
  draw(samples: readonly Sample[]): void {
    const times = samples.filter((sample): sample is Timed => sample.time !== undefined);
    const span = this.#span;
    let first = Infinity;
    let last = -Infinity;
    for (const { time } of times) [first, last] = [Math.min(first, time), Math.max(last, time)];
    this.#box.hidden = !(last > first);
    if (this.#box.hidden) return;
    [this.#first, this.#last] = [first, last];
    if (span) this.#range = [this.#barOf(span.from), span.to === Infinity ? BARS : this.#barOf(span.to)];
    const counts = countsIn(times, first, last);
    const most = Math.max(...counts);
    this.#bars.replaceChildren(
      ...counts.map((count) => {
        const bar = element('span');
        bar.style.height = count === 0 ? '0' : `${Math.max(6, (count / most) * 100)}%`;
        return bar;
      }),
    );
    const [start, end] = this.#box.querySelectorAll('time');
    for (const [shown, time] of [
      [start!, first],
      [end!, last],
    ] as const) {
      shown.dateTime = new Date(time).toISOString();
      shown.textContent = text(time);
    }
    this.#show();
  }

  clear(): void {
    const wasChosen = this.#span !== undefined;
    this.#range = [0, BARS];
    this.#show();
    if (wasChosen) this.#choices.select(undefined);
  }

  get #span(): TimeSpan | undefined {
    const [from, to] = this.#range;
    if (from === 0 && to === BARS) return undefined;
    return { from: from === 0 ? -Infinity : this.#timeOf(from), to: to === BARS ? Infinity : this.#timeOf(to) };
  }

  #timeOf(edge: number): number {
    return this.#first + ((this.#last - this.#first) * edge) / BARS;
  }

  #barOf(time: number): number {
    const bar = Math.round(((time - this.#first) / (this.#last - this.#first)) * BARS);
    return Math.max(0, Math.min(BARS, bar));
  }

  #edgeAt(event: PointerEvent, brush: HTMLElement): number {
    const { left, width } = brush.getBoundingClientRect();
    return Math.max(0, Math.min(BARS, ((event.clientX - left) / width) * BARS));
  }

  /** A thumb that is dragged changes its edge of the span; a press anywhere else begins a new span. */
  #press(event: PointerEvent, brush: HTMLElement): void {
    if (event.button !== 0) return;
    event.preventDefault();
    brush.setPointerCapture(event.pointerId);
    const which = this.#thumbs.findIndex((thumb) => thumb === event.target);
    this.#thumbs[which]?.focus();
    const edge = which < 0 ? this.#edgeAt(event, brush) : this.#range[which === 0 ? 1 : 0];
    this.#pressed = { x: event.clientX, edge };
  }

  #drag(event: PointerEvent, brush: HTMLElement): void {
    if (!this.#pressed || Math.abs(event.clientX - this.#pressed.x) < CLICK_PX) return;
    const [a, b] = [this.#pressed.edge, this.#edgeAt(event, brush)];
    const from = Math.floor(Math.min(a, b));
    this.#range = [Math.min(from, BARS - 1), Math.max(from + 1, Math.ceil(Math.max(a, b)))];
    this.#show();
  }

  #release(event: PointerEvent, brush: HTMLElement): void {
    const pressed = this.#pressed;
    this.#pressed = undefined;
    if (!pressed) return;
    const isClick = Math.abs(event.clientX - pressed.x) < CLICK_PX;
    if (!isClick) this.#choices.select(this.#span);
    else if (event.target === brush || !this.#thumbs.includes(event.target as HTMLElement))
      this.#choices.jump(this.#timeOf(this.#edgeAt(event, brush)));
  }

  #key(event: KeyboardEvent, which: 0 | 1): void {
    if (event.key === 'Escape') {
      event.stopPropagation();
      this.clear();
      return;
    }
    const [from, to] = this.#range;
    const now = this.#range[which];
    const target = {
      ...{ ArrowLeft: now - 1, ArrowDown: now - 1, ArrowRight: now + 1, ArrowUp: now + 1 },
      ...{ PageDown: now - 10, PageUp: now + 10, Home: 0, End: BARS },
    }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const [least, most] = which === 0 ? [0, to - 1] : [from + 1, BARS];
    this.#range[which] = Math.max(least, Math.min(most, target));
    this.#show();
    this.#choices.select(this.#span);
  }

  #show(): void {
    const span = this.#span;
    this.#box.classList.toggle('is-chosen', span !== undefined);
    const [left, right] = this.#range.map((edge) => `${(edge / BARS) * 100}%`) as [string, string];
    this.#chosen.style.left = left;
    this.#chosen.style.right = `calc(100% - ${right})`;
    [...this.#bars.children].forEach((bar, i) => {
      bar.classList.toggle('out', i < this.#range[0] || i >= this.#range[1]);
    });
    this.#thumbs.forEach((thumb, which) => {
      const edge = this.#range[which as 0 | 1];
      thumb.style.left = [left, right][which]!;
      thumb.ariaValueMin = '0';
      thumb.ariaValueMax = String(BARS);
      thumb.ariaValueNow = String(edge);
      thumb.ariaValueText = text(this.#timeOf(edge));
    });
    const label = this.#box.querySelector<HTMLElement>('.span')!;
    label.hidden = span === undefined;
    const [from, to] = this.#range.map((edge) => text(this.#timeOf(edge)));
    label.querySelector('span')!.textContent = `${from} – ${to}`;
  }
}

type Timed = Sample & { readonly time: number };

/** Entries are assumed to be evenly spread between two samples. */
function countsIn(samples: readonly Timed[], first: number, last: number): number[] {
  const counts = new Array<number>(BARS).fill(0);
  const place = (time: number) => ((time - first) / (last - first)) * BARS;
  for (let i = 1; i < samples.length; i++) {
    const [a, b] = [samples[i - 1]!, samples[i]!];
    const [from, to] = [place(a.time), place(b.time)].sort((x, y) => x - y) as [number, number];
    const entries = b.n - a.n;
    for (let bar = Math.floor(from); bar <= Math.min(BARS - 1, Math.floor(to)); bar++) {
      const part = to === from ? 1 : (Math.min(to, bar + 1) - Math.max(from, bar)) / (to - from);
      counts[bar]! += entries * part;
    }
    if (to === from && from === BARS) counts[BARS - 1]! += entries;
  }
  return counts;
}

function day(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

function text(time: number): string {
  return new Date(time).toISOString().slice(0, 19).replace('T', ' ');
}
