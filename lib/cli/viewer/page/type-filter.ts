import { element } from './element';
import { hueOf } from './hue-of';

/** Which types are shown: all, if none is chosen. */
export class TypeFilter {
  readonly #box: HTMLElement;
  readonly #changed: () => void;
  readonly #chosen = new Set<string>();
  #offered: readonly string[] = [];

  constructor(box: HTMLElement, changed: () => void) {
    this.#box = box;
    this.#changed = changed;
  }

  get chosen(): ReadonlySet<string> {
    return this.#chosen;
  }

  /** Offers types, together with the chosen ones, in a stable order. */
  offer(types: readonly string[]): void {
    const offered = [...new Set([...types, ...this.#chosen])].sort();
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
