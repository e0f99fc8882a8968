/* eslint-disable @typescript-eslint/no-unnecessary-type-parameters -- the only way to compare types exactly */
/** Whether two types are the same, neither wider nor narrower. */
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Does not compile unless its argument is true. */
export type Expect<T extends true> = T;
