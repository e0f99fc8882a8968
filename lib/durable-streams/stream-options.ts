import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Authorize, CrossOriginOptions } from '../http/server/handler-options';

/** How a stream is served. */
export interface StreamOptions {
  /** Called before anything else is done for a request; `'public'` lets everyone read, write, create and delete. */
  readonly authorize: Authorize | 'public';
  /** Any Standard Schema validator: checks each message of a JSON stream; its output is appended. */
  readonly schema?: StandardSchemaV1;
  /** The largest body of a request, in bytes, an integer >= 1. @default 4194304: the official client sends batches of slightly more than 1 MiB */
  readonly maxBodyBytes?: number;
  /** How long a long-poll waits for a message, in milliseconds >= 1. @default 20000 */
  readonly longPollMs?: number;
  /** How long a live answer of events lasts, in milliseconds >= 1; then its client reconnects where it was. @default 60000 */
  readonly maxTailMs?: number;
  /** Other origins whose pages may use it. Default: none */
  readonly cors?: CrossOriginOptions;
  /** Called with errors whose details are not sent to the client. */
  readonly onError?: (error: unknown) => void;
}

/** The names of these. */
export const STREAM_OPTIONS: Record<keyof StreamOptions, true> = {
  authorize: true,
  schema: true,
  maxBodyBytes: true,
  longPollMs: true,
  maxTailMs: true,
  cors: true,
  onError: true,
};
