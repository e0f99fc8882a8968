import type { StandardSchemaV1 } from '@standard-schema/spec';
import { assertFunction, assertOptions, assertSchema, shown } from '../errors/assert-argument';
import { DurableStream } from './durable-stream';

/** How a stream is reached. */
export interface DurableStreamConfig<T> {
  /** The stream's URL. */
  readonly url: string | URL;
  /** Headers of each request, or a function that returns them, called for each request; called again if it fails or takes too long, or the answer is 401. */
  readonly headers?: StreamHeaders;
  /** Any synchronous Standard Schema validator: checks what is written; what is read becomes its output. */
  readonly schema?: StandardSchemaV1<unknown, T>;
  /** The name of the writer, which the server remembers across restarts: a new scrivener with the same name shuts out the earlier one. Default: a unique name */
  readonly producer?: string;
  /** @default the platform's */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** Headers of a request, or a function that returns them. */
export type StreamHeaders =
  | Readonly<Record<string, string>>
  | (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>);

const OPTIONS: Record<keyof DurableStreamConfig<never>, true> = {
  url: true,
  headers: true,
  schema: true,
  producer: true,
  fetch: true,
};

/**
 * Opens a JSON stream of any server of the Durable Streams Protocol as a scrivener; a stream that does not exist is created.
 *
 * Reads it from its beginning and keeps it, so a position is the count of messages; follows it by events, or by long-poll where a
 * server has none. Writes as an idempotent producer: a write
 * that is sent again is appended once. `expect` rejects with {@link NotSupportedError}. Resolves when all existing messages are read; rejects
 * with {@link HttpStatusError} if the server refuses.
 *
 * @example
 * ```ts
 * await using stream = await openDurableStream<ChatEntry>({ url: 'https://example.com/streams/ann' });
 * await stream.write({ type: 'Said', text: 'hello' });
 * ```
 */
export async function openDurableStream<T>(config: DurableStreamConfig<T>): Promise<DurableStream<T>> {
  assertOptions('openDurableStream', config, OPTIONS);
  const { url, headers = {}, schema, producer } = config;
  if (!URL.canParse(String(url))) throw new TypeError(`Expected \`url\` to be an absolute URL, got ${shown(url)}`);
  if (schema !== undefined) assertSchema(schema);
  if (typeof headers !== 'function' && Object(headers) !== headers)
    throw new TypeError(`Expected \`headers\` to be an object or a function, got ${shown(headers)}`);
  if (producer !== undefined && (typeof producer !== 'string' || producer === ''))
    throw new TypeError(`Expected \`producer\` to be a name, got ${shown(producer)}`);
  const fetch = config.fetch ?? ((url: string, init: RequestInit) => globalThis.fetch(url, init));
  assertFunction('fetch', fetch);
  const stream = new DurableStream<T>({ url: String(url), headers, schema, producer, fetch });
  await stream.open();
  return stream;
}
