import { firstValueFrom, type Observable } from 'rxjs';
import type { Flushing } from '../../flush/flushing-of';
import { assertPosition, START, type Position } from '../../journal/position';
import type { WaitOptions } from '../../journal/scrivener';
import { LeasedScrivener } from '../../journals/leased-scrivener';
import { waitLimits } from '../../operators/wait-limits';
import type { FileScrivener } from '../file-scrivener';

/** A journal of a folder, which knows how far it is flushed: a closed journal is flushed completely. */
export class FolderScrivener<in out T> extends LeasedScrivener<T, FileScrivener<T>> implements Flushing {
  /** The last position that is in the file; {@link START} before the journal's first use. */
  get flushed(): Position {
    return this.opened?.flushed ?? this.head;
  }

  /** `flushed`, then each change; opens the journal. */
  get flushed$(): Observable<Position> {
    return this.observed(({ flushed$ }) => flushed$);
  }

  /** Resolves when `position` is in the file; rejects with the error that prevents it. */
  async whenFlushed(position: Position, options?: WaitOptions): Promise<void> {
    assertPosition('position', position);
    if (this.opened === undefined && position > START && position <= this.head) return;
    const flushed$ = this.observed((scrivener) => scrivener.whenFlushed(position));
    return firstValueFrom(flushed$.pipe(waitLimits(options, `position ${position} to be flushed`)));
  }

  /** Flushes everything written so far to the file; resolves immediately if the journal is closed. */
  flush(): Promise<void> {
    if (this.opened === undefined) return Promise.resolve();
    return this.using(false, (scrivener) => scrivener.flush());
  }
}
