import type { OperatorFunction } from 'rxjs';
import type { Positioned } from '../journal/position';

/** Records in the order of their positions. */
export type Snapshot<T> = readonly Positioned<T>[];

/**
 * Says when the active batch is to be flushed: an operator over the growing snapshot whose first emission cuts it.
 * See {@link bufferUntil} for how it is subscribed.
 */
export type FlushPredicate<T> = OperatorFunction<Snapshot<T>, unknown>;
