import { assertMethods, assertOptions, shown } from '../errors/assert-argument';
import { badRequest } from '../http/server/problem';
import { InMemoryScrivener } from '../journal/in-memory-scrivener';
import type { Scrivener } from '../journal/scrivener';
import type { ServedJournals } from './served-journals';
import { notFound, streamHandler } from './stream-handler';
import { STREAM_OPTIONS, type StreamOptions } from './stream-options';
import { RECORDS, type StreamRecord } from './stream-record';
import { Streams } from './streams';

/** How streams are served. */
export interface DurableStreamsOptions extends StreamOptions {
  /** The path below which each path is a stream's name. @default '/' */
  readonly basePath?: string;
}

/** How one stream is served. */
export interface DurableStreamOptions extends StreamOptions {
  /**
   * Another journal, for the state of the stream: its producers, and whether it is closed. Default: in memory, so after a restart a producer must start
   * over, and a closed stream is open again
   */
  readonly records?: Scrivener<StreamRecord>;
}

/**
 * Serves journals by the Durable Streams Protocol: a stream is a URL, its name the path below `basePath`; PUT creates, POST appends, GET reads (live by
 * `live=long-poll` and `live=sse`), HEAD and DELETE.
 *
 * A message of a JSON stream is an entry, its offset the entry's position. Nothing is acknowledged, and nothing is sent to anybody, before it is
 * flushed. Refused requests get the protocol's status and `application/problem+json`.
 *
 * @throws TypeError and RangeError for wrong options
 * @example
 * ```ts
 * const journals = await openJournalFolder({ folder: 'data/streams' });
 * const handle = durableStreams(journals, { authorize: (request) => isSignedIn(request), basePath: '/streams/' });
 * createServer(nodeListener(handle)).listen(4437);
 * ```
 */
export function durableStreams(
  journals: ServedJournals,
  options: DurableStreamsOptions,
): (request: Request) => Promise<Response> {
  assertMethods('journals', journals, ['journal', 'create', 'exists', 'delete']);
  assertOptions('durableStreams', options, { ...STREAM_OPTIONS, basePath: true });
  const { basePath = '/' } = options;
  if (typeof basePath !== 'string' || !basePath.startsWith('/'))
    throw new TypeError(`Expected \`basePath\` to be a path that begins with /, got ${shown(basePath)}`);
  const base = basePath.endsWith('/') ? basePath : `${basePath}/`;

  const nameOf = (url: URL): string => {
    let name: string;
    try {
      name = decodeURIComponent(url.pathname.startsWith(base) ? url.pathname.slice(base.length) : '');
    } catch {
      throw badRequest('The path is not encoded as URLs are');
    }
    const length = name.length + RECORDS.length;
    if (name === '' || length > 512 || name.startsWith(RECORDS)) throw notFound();
    return name;
  };
  const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'];
  return streamHandler({ streams: new Streams(journals), nameOf, methods }, options);
}

/**
 * Serves one journal, of any backend, as a JSON stream of the Durable Streams Protocol, at any path. The stream always exists, so PUT
 * creates nothing, and DELETE is answered with 405.
 *
 * @throws TypeError and RangeError for wrong options
 * @example
 * ```ts
 * const journal = await openFileScrivener({ filePath: 'data/chat.ndjson' });
 * const records = await openFileScrivener<StreamRecord>({ filePath: 'data/chat-stream.ndjson' });
 * const handle = durableStream(journal, { authorize: (request) => isSignedIn(request), records });
 * createServer(nodeListener(handle)).listen(4437);
 * ```
 */
export function durableStream<T>(
  scrivener: Scrivener<T>,
  options: DurableStreamOptions,
): (request: Request) => Promise<Response> {
  assertMethods('scrivener', scrivener, ['write', 'tail', 'readBackward']);
  assertOptions('durableStream', options, { ...STREAM_OPTIONS, records: true });
  const { records = new InMemoryScrivener<StreamRecord>() } = options;
  assertMethods('records', records, ['write', 'tail', 'readBackward']);
  const name = 'it';
  const journals: ServedJournals = {
    journal: (asked) => (asked === name ? scrivener : records) as Scrivener<unknown>,
    create: async () => false,
    exists: async () => true,
    delete: async () => false,
  };
  return streamHandler(
    { streams: new Streams(journals), nameOf: () => name, methods: ['GET', 'HEAD', 'POST', 'PUT'] },
    options,
  );
}
