import type { Position } from '../../journal/position';
import { counted } from '../terminal/wording';

const SHOWN = 5;

/** The positions that a repair could not keep. */
export class Missing {
  /** The first few ranges. */
  readonly #shown: string[] = [];
  #stretches = 0;
  #positions = 0;

  add(from: Position, to: Position): void {
    this.#stretches++;
    this.#positions += to - from + 1;
    if (this.#shown.length < SHOWN) this.#shown.push(from === to ? `${from}` : `${from} to ${to}`);
  }

  get isEmpty(): boolean {
    return this.#stretches === 0;
  }

  /** `2 positions are missing: 3, 7` */
  report(): string {
    const more = this.#stretches - this.#shown.length;
    const all = this.#shown.join(', ') + (more > 0 ? `, and ${more} more` : '');
    return `${counted(this.#positions, 'position')} ${this.#positions === 1 ? 'is' : 'are'} missing: ${all}`;
  }
}
