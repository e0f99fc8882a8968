import type { Extent } from '../line-source';
import { element } from './element';
import type { Server } from './server';

const BARS = 80;
/** It is looked at again when there is so much more. */
const GROWTH = 1.1;

/** When entries were written: how many in each part of the time, judged by samples. */
export class TimeLine {
  readonly #box: HTMLElement;
  readonly #range: HTMLInputElement;
  readonly #server: Server;
  #seen = 0;
  #generation = 0;
  #isAsking = false;
  #starts: { n: number; time: number }[] = [];

  /** @param chosen - gets the number of the first line of a time */
  constructor(box: HTMLElement, server: Server, chosen: (n: number) => void) {
    this.#box = box;
    this.#server = server;
    this.#range = box.querySelector('input')!;
    this.#range.addEventListener('input', () => {
      const start = this.#starts[Number(this.#range.value)];
      if (!start) return;
      this.#range.setAttribute('aria-valuetext', new Date(start.time).toLocaleString());
      chosen(start.n);
    });
  }

  changed({ head, generation }: Extent): void {
    if (this.#isAsking || (generation === this.#generation && head < this.#seen * GROWTH + 1)) return;
    this.#isAsking = true;
    [this.#seen, this.#generation] = [head, generation];
    this.#server
      .times()
      .then((samples) => this.#draw(samples))
      .catch(() => undefined)
      .finally(() => (this.#isAsking = false));
  }

  #draw(samples: readonly { n: number; time: number }[]): void {
    const [first, last] = [samples[0], samples.at(-1)];
    this.#box.hidden = !first || !last || last.time <= first.time;
    if (!first || !last || last.time <= first.time) return;
    const width = (last.time - first.time) / BARS;
    this.#starts = Array.from({ length: BARS + 1 }, (_, i) => {
      const time = first.time + i * width;
      return { time, n: Math.round(numberAt(samples, time)) };
    });
    const counts = this.#starts.slice(1).map(({ n }, i) => Math.max(0, n - this.#starts[i]!.n));
    const most = Math.max(1, ...counts);
    const bars = counts.map((count) => {
      const bar = element('span');
      bar.style.height = `${(count / most) * 100}%`;
      return bar;
    });
    this.#box.querySelector('.bars')!.replaceChildren(...bars);
    this.#range.max = String(BARS);
    if (!this.#range.hasAttribute('aria-valuetext')) this.#range.value = String(BARS);
  }
}

/** The line that is written at a time, between the samples. */
function numberAt(samples: readonly { n: number; time: number }[], time: number): number {
  const after = samples.findIndex((sample) => sample.time > time);
  const [a, b] = after < 0 ? [samples.at(-1)!, samples.at(-1)!] : [samples[Math.max(0, after - 1)]!, samples[after]!];
  return b.time > a.time ? a.n + ((b.n - a.n) * (time - a.time)) / (b.time - a.time) : b.n;
}
