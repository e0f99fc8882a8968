/**
 * On a request: called when its answer is a stream that ends with the journal, or waits for what the journal does not have yet. The server closes that
 * connection when it shuts down.
 * The symbol is registered, because a program may load two copies of this package.
 */
export const STREAM_OPENED = Symbol.for('rx-scrivener.stream-opened');

/** A request whose server keeps track of the streams it sends, and of the answers that wait. */
export interface AccountedRequest {
  [STREAM_OPENED]?: () => void;
}
