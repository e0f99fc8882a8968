import type { Sample } from '../answers';
import { element } from './element';
import { hueOf } from './hue-of';

/** So many types are offered; `type:` finds the others. */
const MOST = 12;

/** Which types are shown: all of them where none is chosen. */
export class TypeFilter {
  readonly #box: HTMLElement;
  readonly #changed: () => void;
  readonly #chosen = new Set<string>();
  #offered: readonly string[] = [];

  constructor(box: HTMLElement, changed: () => void) {
    this.#box = box;
    this.#changed = changed;
  }

  /** As terms of a search. */
  get query(): string {
    return [...this.#chosen].map((type) => `type:"${type}"`).join(' ');
  }

  /** Offers the most frequent types, in an order that stays. */
  offer(samples: readonly Sample[]): void {
    const counts = new Map<string, number>();
    // A search has no way to name one with a quotation mark.
    for (const { type } of samples)
      if (type !== undefined && !type.includes('"')) counts.set(type, (counts.get(type) ?? 0) + 1);
    const most = [...counts].sort(([, a], [, b]) => b - a).slice(0, MOST);
    const offered = [...new Set([...most.map(([type]) => type), ...this.#chosen])].sort();
    if (offered.join('\n') === this.#offered.join('\n')) return;
    this.#offered = offered;
    this.#box.hidden = offered.length < 2;
    this.#box.replaceChildren(...offered.map((type) => this.#buttonOf(type)));
  }

  clear(): void {
    this.#chosen.clear();
    for (const each of this.#box.querySelectorAll('button')) each.ariaPressed = 'false';
  }

  #buttonOf(type: string): HTMLElement {
    const made = element('button', 'chip', type);
    made.type = 'button';
    made.style.setProperty('--hue', String(hueOf(type)));
    made.ariaPressed = String(this.#chosen.has(type));
    made.addEventListener('click', () => {
      if (!this.#chosen.delete(type)) this.#chosen.add(type);
      made.ariaPressed = String(this.#chosen.has(type));
      this.#changed();
    });
    return made;
  }
}
