import type { FileMode } from '../file/file-mode';
import type { Position } from '../journal/position';
import { NewJournal } from './new-journal';

const MOST = 100;

/** Journals that are made one behind the other, and are there once all are complete: `NEW`, `NEW.2`, `NEW.3`, … */
export class NewJournals {
  readonly #filePath: string;
  readonly #like: FileMode | undefined;
  readonly #all: NewJournal[] = [];

  /** @param like - whose mode and owner they get */
  constructor(filePath: string, like: FileMode | undefined) {
    this.#filePath = filePath;
    this.#like = like;
  }

  get all(): readonly NewJournal[] {
    return this.#all;
  }

  /** The one that is being written. */
  get newest(): NewJournal | undefined {
    return this.#all.at(-1);
  }

  /** Begins the next journal; rejects when these are too many, and when there is one already. */
  async begin(first: Position): Promise<NewJournal> {
    const count = this.#all.length;
    if (count === MOST) throw new Error(`more than ${MOST} journals were needed; --renumber makes a single one`);
    await this.newest?.seal();
    const filePath = count === 0 ? this.#filePath : `${this.#filePath}.${count + 1}`;
    const journal = await NewJournal.create(filePath, this.#like, first);
    this.#all.push(journal);
    return journal;
  }

  async commit(): Promise<void> {
    await this.newest?.seal();
    for (const journal of this.#all) await journal.commit();
  }

  /** Leaves nothing behind but what was committed. */
  async close(): Promise<void> {
    for (const journal of this.#all) await journal.close();
  }
}
