import { badRequest, Problem } from '../http/server/problem';
import { bytesEntry, bytesOf, formatOf } from './messages';
import {
  CLOSED_HEADER,
  EXPIRES_HEADER,
  FORKED_FROM_HEADER,
  FORK_OFFSET_HEADER,
  FORK_SUB_OFFSET_HEADER,
  integerIn,
  mediaType,
  OFFSET_HEADER,
  offsetOf,
  positionOf,
  TTL_HEADER,
} from './protocol';
import type { Position } from '../journal/position';
import type { Creation } from './stream-record';
import { flushed, type Stream, type Streams } from './streams';

const DEFAULT_TYPE = 'application/octet-stream';
const TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+/;
/** The first offset, written as the reference server writes it, because clients may rely on that. */
const ORIGIN = /^0+_0+$/;
const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;

/** The stream that a PUT requests. */
interface Wanted {
  readonly contentType: string | undefined;
  readonly ttlSeconds: number | undefined;
  readonly expiresAt: string | undefined;
  readonly isClosed: boolean;
  readonly fork: { readonly from: string; readonly offset: string | undefined; readonly sub: number } | undefined;
}

/** Answers a PUT: 201 for a new stream, 200 for one that exists as requested, 409 for one that is different. */
export function createStream(
  streams: Streams,
  name: string,
  request: Request,
  body: Uint8Array,
  sourceOf: (from: string) => string,
): Promise<Response> {
  const wanted = requestedConfig(request.headers, sourceOf);
  return streams.find(name).then(
    // An expired stream is removed by now.
    () =>
      streams.inTurn(name, async () => {
        const existing = await streams.known(name);
        if (existing?.state.isDeleted) throw nameTaken();
        if (!existing) return create(streams, name, request.url, body, wanted);
        if (!matchesConfig(existing, wanted))
          throw new Problem(409, 'ERR_STREAM_EXISTS', 'There is another stream of this name');
        return response(existing, await existing.head(), 200, {});
      }),
    (error: unknown) => {
      throw error instanceof Problem && error.status === 410 ? nameTaken() : error;
    },
  );
}

async function create(
  streams: Streams,
  name: string,
  url: string,
  body: Uint8Array,
  wanted: Wanted,
): Promise<Response> {
  if (wanted.fork && !streams.canFork)
    throw new Problem(501, 'ERR_NOT_SUPPORTED', 'Streams of this server cannot be forked');
  const source = wanted.fork && (await sourceFor(streams, wanted, wanted.fork));
  const { creation: inherited } = source?.stream.state ?? {};
  const contentType = wanted.contentType ?? source?.stream.state.contentType ?? DEFAULT_TYPE;
  const entries = body.length === 0 ? [] : formatOf(contentType).parse(body);
  const expiry =
    wanted.ttlSeconds === undefined && wanted.expiresAt === undefined
      ? { ttlSeconds: inherited?.ttlSeconds, expiresAt: inherited?.expiresAt }
      : wanted;
  const prefix = source?.part ? [source.part] : [];
  const through = source?.through ?? 0;
  const creation: Creation = {
    type: 'Created',
    id: crypto.randomUUID(),
    contentType,
    at: Date.now(),
    ...(expiry.ttlSeconds !== undefined && { ttlSeconds: expiry.ttlSeconds }),
    ...(expiry.expiresAt !== undefined && { expiresAt: expiry.expiresAt }),
    initial: through + prefix.length + entries.length,
    ...(wanted.isClosed && { isClosed: true }),
    ...(wanted.fork && source && { fork: { from: wanted.fork.from, offset: source.offset, sub: wanted.fork.sub } }),
  };
  const stream = await streams.fresh(name);
  await stream.record(creation);
  if (source) {
    await source.stream.record({ type: 'Forked', name });
    source.stream.state.add({ type: 'Forked', name }, 0);
    await streams.fork(source.stream.name, name, through);
  } else await streams.create(name);
  const position = await stream.append([...prefix, ...entries], through);
  await flushed(stream.messages, position);
  streams.forget(name);
  const made = (await streams.known(name))!;
  return response(made, position, 201, { Location: url.split('?')[0]! });
}

/** The source of a fork: the stream, the position up to which it is copied, and a part of the message after that. */
interface Source {
  readonly stream: Stream;
  readonly through: Position;
  readonly offset: string;
  readonly part: unknown;
}

async function sourceFor(
  streams: Streams,
  { contentType }: Wanted,
  fork: NonNullable<Wanted['fork']>,
): Promise<Source> {
  const stream = await streams.find(fork.from).catch((error: unknown) => {
    throw error instanceof Problem && error.status === 410 ? nameTaken() : error;
  });
  if (!stream) throw new Problem(404, 'ERR_JOURNAL_NOT_FOUND', 'There is no stream to fork');
  const type = stream.state.contentType;
  if (contentType !== undefined && mediaType(contentType) !== mediaType(type)) {
    throw new Problem(409, 'ERR_CONTENT_TYPE', `The content type of the stream to fork is ${type}`);
  }
  const head = await stream.head();
  const at =
    fork.offset === undefined
      ? head
      : fork.offset === '-1' || ORIGIN.test(fork.offset)
        ? 0
        : positionOf(fork.offset, FORK_OFFSET_HEADER);
  if (at > head) throw badRequest('The stream to fork ends before this offset');
  const offset = offsetOf(at);
  if (fork.sub === 0) return { stream, through: at, offset, part: undefined };
  if (fork.offset === undefined) throw badRequest(`${FORK_SUB_OFFSET_HEADER} needs a ${FORK_OFFSET_HEADER}`);
  const overshot = badRequest('The stream to fork ends before this part of it');
  if (formatOf(type).isJson) {
    if (at + fork.sub > head) throw overshot;
    return { stream, through: at + fork.sub, offset, part: undefined };
  }
  if (at >= head) throw overshot;
  const records = stream.messages.tail(at)[Symbol.asyncIterator]();
  const next = await records.next();
  await records.return?.();
  if (next.done) throw overshot;
  const bytes = bytesOf(next.value.entry);
  if (fork.sub > bytes.length) throw overshot;
  return { stream, through: at, offset, part: bytesEntry(bytes.subarray(0, fork.sub)) };
}

function requestedConfig(headers: Headers, sourceOf: (from: string) => string): Wanted {
  const type = headers.get('Content-Type');
  const ttlSeconds = integerIn(headers, TTL_HEADER, true);
  const expiresAt = headers.get(EXPIRES_HEADER) ?? undefined;
  if (ttlSeconds !== undefined && expiresAt !== undefined)
    throw badRequest(`${TTL_HEADER} and ${EXPIRES_HEADER} exclude each other`);
  if (expiresAt !== undefined && (!RFC_3339.test(expiresAt) || Number.isNaN(Date.parse(expiresAt)))) {
    throw badRequest(`Expected \`${EXPIRES_HEADER}\` to be a time as of RFC 3339`);
  }
  const from = headers.get(FORKED_FROM_HEADER);
  const sub = integerIn(headers, FORK_SUB_OFFSET_HEADER, true);
  if (sub !== undefined && from === null) throw badRequest(`${FORK_SUB_OFFSET_HEADER} needs ${FORKED_FROM_HEADER}`);
  const offset = headers.get(FORK_OFFSET_HEADER) ?? undefined;
  return {
    contentType: type !== null && TYPE.test(type) ? type : from === null ? DEFAULT_TYPE : undefined,
    ttlSeconds,
    expiresAt,
    isClosed: headers.get(CLOSED_HEADER)?.toLowerCase() === 'true',
    fork: from === null ? undefined : { from: sourceOf(from), offset, sub: sub ?? 0 },
  };
}

function matchesConfig({ state }: Stream, wanted: Wanted): boolean {
  const { creation } = state;
  const { fork } = creation ?? {};
  if (wanted.contentType !== undefined && mediaType(state.contentType) !== mediaType(wanted.contentType)) return false;
  if (wanted.isClosed !== state.isClosed) return false;
  if (wanted.fork === undefined) {
    return fork === undefined && creation?.ttlSeconds === wanted.ttlSeconds && creation?.expiresAt === wanted.expiresAt;
  }
  if (fork?.from !== wanted.fork.from || fork.sub !== wanted.fork.sub) return false;
  const { offset } = wanted.fork;
  if (offset !== undefined && fork.offset !== (ORIGIN.test(offset) ? offsetOf(0) : offset)) return false;
  const hasExpiry = wanted.ttlSeconds !== undefined || wanted.expiresAt !== undefined;
  return !hasExpiry || (creation?.ttlSeconds === wanted.ttlSeconds && creation?.expiresAt === wanted.expiresAt);
}

function nameTaken(): Problem {
  return new Problem(409, 'ERR_STREAM_GONE', 'The stream is deleted, and kept for its forks');
}

function response({ state }: Stream, position: Position, status: number, headers: Record<string, string>): Response {
  return new Response(null, {
    status,
    headers: {
      ...headers,
      'Content-Type': state.contentType,
      [OFFSET_HEADER]: offsetOf(position),
      ...(state.isClosed && { [CLOSED_HEADER]: 'true' }),
    },
  });
}
