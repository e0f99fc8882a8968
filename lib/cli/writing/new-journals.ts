import type { FileMode } from '../../file/disk/file-mode';
import type { Position } from '../../journal/position';
import { CountedJournal, type RepairedJournal } from './counted-journal';
import { NewJournal } from './new-journal';

const MOST = 100;

/** Journals that are written one after the other, and appear when all are complete: `NEW`, `NEW.2`, `NEW.3`, … */
export class NewJournals {
  readonly #filePath: string;
  readonly #like: FileMode | undefined;
  readonly #isDry: boolean;
  readonly #all: RepairedJournal[] = [];

  /**
   * @param like - the mode and the owner that they get
   * @param isDry - only count what they would hold, and write nothing
   */
  constructor(filePath: string, like: FileMode | undefined, isDry: boolean) {
    this.#filePath = filePath;
    this.#like = like;
    this.#isDry = isDry;
  }

  get all(): readonly RepairedJournal[] {
    return this.#all;
  }

  /** The one that is being written. */
  get newest(): RepairedJournal | undefined {
    return this.#all.at(-1);
  }

  /** Begins the next journal. Rejects if there are too many, or if its file exists. */
  async begin(first: Position): Promise<RepairedJournal> {
    const count = this.#all.length;
    if (count === MOST) throw new Error(`more than ${MOST} journals were needed; --renumber makes a single one`);
    await this.newest?.seal();
    const filePath = count === 0 ? this.#filePath : `${this.#filePath}.${count + 1}`;
    const journal = this.#isDry
      ? new CountedJournal(filePath, first)
      : await NewJournal.create(filePath, this.#like, first);
    this.#all.push(journal);
    return journal;
  }

  async commit(): Promise<void> {
    await this.newest?.seal();
    for (const journal of this.#all) await journal.commit();
  }

  /** Removes everything that was not committed. */
  async close(): Promise<void> {
    for (const journal of this.#all) await journal.close();
  }
}
