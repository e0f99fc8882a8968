import { stat } from 'node:fs/promises';
import { JournalMismatchError } from '../../errors/journal-mismatch-error';
import type { Position } from '../../journal/position';
import { findSegments, loadManifest } from '../store/manifest';
import { inodeOf } from '../store/segment';

/** The name of a journal's active file: a rotation gives it to the next file, and another journal may take it. */
export class JournalName {
  readonly #filePath: string;
  readonly #follow: boolean;
  /** The journal's identity, once it is recorded. */
  #id: string | undefined;

  constructor(filePath: string, id: string | undefined, follow: boolean) {
    this.#filePath = filePath;
    this.#id = id;
    this.#follow = follow;
  }

  /**
   * Whether it now belongs to another file, which continues the one that had it.
   *
   * @param first - the position that the file begins with
   * @param last - the last position that was read from it
   * @throws {@link JournalMismatchError} if another journal has taken the name
   */
  async hasMovedOn(ino: bigint, first: Position, last: Position): Promise<boolean> {
    const found = await stat(this.#filePath, { bigint: true }).catch(() => undefined);
    if (found?.ino === ino) return false;
    const manifest = await loadManifest(this.#filePath);
    this.#id ??= manifest.id;
    const segment = (await findSegments(this.#filePath)).find((segment) => segment.first === first);
    const other = segment && !segment.compressed ? await inodeOf(segment.filePath).catch(() => ino) : ino;
    // A record is replaced, never removed: a file without one belongs to another journal.
    const isAnother = manifest.id !== this.#id && (manifest.id !== undefined || found !== undefined);
    if (other !== ino || isAnother)
      throw new JournalMismatchError(`another journal has taken the place of ${this.#filePath}`);
    return segment !== undefined || ((last >= first || this.#follow) && manifest.first > last);
  }
}
