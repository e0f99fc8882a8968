import type { Position } from 'rx-scrivener';

/** Somebody's turn: what a person said, or an answer of the agent, of whose chunks it is made. */
export interface Message {
  readonly key: string;
  readonly who: string;
  readonly isAgent: boolean;
  readonly text: string;
  /** When it was said; not known of an answer that is not complete. */
  readonly at?: string;
  /** The first and the last of its entries. */
  readonly from: Position;
  readonly to: Position;
  readonly isComplete: boolean;
}
