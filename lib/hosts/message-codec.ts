/**
 * Translates between a side's messages and the journal's entries.
 *
 * @example
 * ```ts
 * const codec: MessageCodec<string, ChatEntry> = {
 *   toEntry: (text) => ({ type: 'Said', by: 'agent', text }),
 *   toMessage: (entry) => (entry.type === 'Said' && entry.by === 'user' ? entry.text : undefined),
 * };
 * ```
 */
export interface MessageCodec<M, E> {
  /** The entry that is written for a message of this side. */
  readonly toEntry: (message: M) => E;
  /** The message that an entry means to this side; `undefined` if it is not for this side, like most of its own entries. */
  readonly toMessage: (entry: E) => M | undefined;
}
