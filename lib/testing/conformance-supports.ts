/**
 * What a backend can do: everything that `Scrivener` requires, unless set to `false`, and extras that are set to `true`. A case that
 * needs more is skipped and reported.
 *
 * @example
 * ```ts
 * const supports: ConformanceSupports = { retain: false, fail: false };
 * ```
 */
export interface ConformanceSupports {
  /** `write` takes `expect`, compare-and-append. @default true */
  readonly expect?: boolean;
  /** It has `writeAll`, see {@link GroupWriter}. @default false */
  readonly writeAll?: boolean;
  /** It has `first`, `head` and `head$`, as every scrivener of this package has. @default false */
  readonly ends?: boolean;
  /** `create` takes `retain`, and the journal keeps only this many of the newest entries. @default true */
  readonly retain?: boolean;
  /** The subject's `complete` ends the journal; tails complete and writes reject from then on. @default true */
  readonly complete?: boolean;
  /** The subject's `fail` ends the journal with an error, which readers receive unchanged. @default true */
  readonly fail?: boolean;
  /** The subject's `observed` says whether anyone reads; used by the cases that look for leaks. @default true */
  readonly observed?: boolean;
  /** What the journal holds is read before a timer of 0 ms fires; a journal behind a network cannot. @default true */
  readonly immediate?: boolean;
}

/** The defaults. */
export const DEFAULT_SUPPORTS: Required<ConformanceSupports> = {
  expect: true,
  writeAll: false,
  ends: false,
  retain: true,
  complete: true,
  fail: true,
  observed: true,
  immediate: true,
};

/** The name of an optional feature. */
export type ConformanceFeature = keyof ConformanceSupports;
