import { PositionConflictError } from '../errors/position-conflict-error';
import { assertWriteOptions } from './assert-options';
import { assertPosition, type Position } from './position';
import type { WriteOptions } from './scrivener';

/** Throws the error that a write with these options must reject with, on a journal whose last position is `head`. */
export function assertWritable(options: WriteOptions, head: Position): void {
  assertWriteOptions(options);
  const { expect, signal } = options;
  if (expect !== undefined) assertPosition('expect', expect);
  signal?.throwIfAborted();
  if (expect !== undefined && expect !== head) throw new PositionConflictError(expect, head);
}
