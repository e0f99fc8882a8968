/**
 * On a Node request: called when its answer is a stream that ends with the journal. Who serves the request cuts the connection when it shuts down.
 * Registered, as a program may hold two copies of this package.
 */
export const STREAM_OPENED = Symbol.for('rx-scrivener.stream-opened');

/** A request whose server keeps account of the streams it sends. */
export interface AccountedRequest {
  [STREAM_OPENED]?: () => void;
}
