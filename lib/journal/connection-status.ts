/**
 * How a scrivener that reaches its journal over a network is connected: not yet for the first time, connected, or trying again.
 *
 * `error` is why the last attempt failed; `nextAttempt` is the time of the next one in milliseconds since 1970, if it is known.
 */
export type ConnectionStatus =
  | { readonly status: 'connecting' }
  | { readonly status: 'open' }
  | { readonly status: 'retrying'; readonly error: unknown; readonly nextAttempt?: number };
