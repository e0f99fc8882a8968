import { JournalLostError } from '../errors/journal-lost-error';
import type { StreamLink } from './stream-link';

/** If nothing was acknowledged for this long, something is wrong. */
const STALL_MS = 1_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_000;

/** If acknowledgements fail to come, the server is asked for the stream, with growing pauses, until it answers. */
export class Outage {
  readonly #link: StreamLink;
  #isOn = false;
  /** When the last acknowledgement came, or sending began. */
  #heardAt = 0;
  /** When the last answer was reported. */
  #answeredAt = 0;
  #pause = 0;
  #askAt = 0;

  constructor(link: StreamLink) {
    this.#link = link;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  /** The server has acknowledged something, or something is sent while nothing was in the air. */
  heard(): void {
    this.#heardAt = performance.now();
  }

  /** Whether acknowledgements fail to come, and no outage has begun yet. */
  isStalled(now: number): boolean {
    return !this.#isOn && now - this.#heardAt > STALL_MS;
  }

  /** Whether it is time to ask. */
  isDue(now: number): boolean {
    return this.#isOn && now >= this.#askAt;
  }

  begin(): void {
    this.#isOn = true;
    this.#pause = FIRST_PAUSE_MS;
    this.#askAt = performance.now() + this.#pause;
  }

  end(): void {
    this.#isOn = false;
  }

  /**
   * Asks the server, and reports its answer, unless the answer to a later question was reported. A lost question, for example while there is
   * no leader, is not waited for: others follow. Rejects with {@link JournalLostError}: nobody answers for a deleted stream.
   */
  async ask(onAnswer: () => void): Promise<void> {
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
    const since = performance.now();
    this.#askAt = since + this.#pause;
    try {
      await this.#link.ends();
    } catch (error) {
      if (error instanceof JournalLostError) throw error;
      return;
    }
    if (!this.#isOn || since < this.#answeredAt) return;
    this.#answeredAt = performance.now();
    onAnswer();
  }
}
