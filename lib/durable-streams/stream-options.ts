import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Authorize, CrossOriginOptions } from '../http/server/handler-options';

/** How a stream is served. */
export interface StreamOptions {
  /** Asked before anything is done for a request; `'public'` lets everyone read, write, create and delete. */
  readonly authorize: Authorize | 'public';
  /** Any Standard Schema validator: a message of a JSON stream is checked by it, and what is appended is its output. */
  readonly schema?: StandardSchemaV1;
  /** How large a request's body may be, in bytes, an integer >= 1. @default 4194304: the official client sends batches of somewhat more than 1 MiB */
  readonly maxBodyBytes?: number;
  /** How long a long-poll waits for a message, in milliseconds >= 1. @default 20000 */
  readonly longPollMs?: number;
  /** How long a live answer of events lasts, in milliseconds >= 1; its client comes back where it was. @default 60000 */
  readonly maxTailMs?: number;
  /** Pages of other origins that may use it. Default: none */
  readonly cors?: CrossOriginOptions;
  /** Called with errors that a client learns nothing of. */
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
