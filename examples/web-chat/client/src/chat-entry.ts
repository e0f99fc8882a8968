import type { Position } from 'rx-scrivener';

/** What somebody said; `id` is how its tab knows it again. */
export interface Said {
  readonly type: 'Said';
  readonly at: string;
  readonly who: string;
  readonly id: string;
  readonly text: string;
}

/** A piece of the agent's answer to what was said at a position; they come in order. */
export interface Chunk {
  readonly type: 'Chunk';
  readonly inReplyTo: Position;
  readonly text: string;
}

/** The answer is complete. */
export interface Answered {
  readonly type: 'Answered';
  readonly at: string;
  readonly inReplyTo: Position;
}

/** What a burst is made of. */
export interface Measured {
  readonly type: 'Measured';
  readonly value: number;
}

/** What the journal of the chat holds. */
export type ChatEntry = Said | Chunk | Answered | Measured;
