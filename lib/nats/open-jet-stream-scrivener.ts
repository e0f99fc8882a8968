import {
  jetstreamManager,
  PersistMode,
  RetentionPolicy,
  type JetStreamManager,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import { millis, type NatsConnection } from '@nats-io/nats-core';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { assertFunction, assertMethods, assertOptions, assertSchema, shown } from '../errors/assert-argument';
import { JournalLostError } from '../errors/journal-lost-error';
import { JournalMismatchError } from '../errors/journal-mismatch-error';
import type { EntrySerializer } from '../flush/entry-serializer';
import type { Position } from '../journal/position';
import { JetStreamScrivener } from './jet-stream-scrivener';
import { Publisher } from './publisher';
import { isNotFound, StreamLink } from './stream-link';
import { StreamPayload } from './stream-payload';
import { subjectMatches } from './subject-matches';

/** How a journal is kept in a JetStream stream, and how to reach it. */
export interface JetStreamScrivenerConfig<T> {
  /**
   * The connection to use; it belongs to the caller, and is not closed. Make it with `maxReconnectAttempts: -1`: the client's default gives up for
   * good after ten tries, about twenty seconds.
   */
  readonly connection: NatsConnection;
  /** The stream's name. The whole stream is the journal: every message on any of its subjects is an entry. */
  readonly stream: string;
  /** The subject that entries are published to, one of the stream's. @default `${stream}.journal` */
  readonly subject?: string;
  /**
   * How entries become payloads. It receives each entry with position 1, because the stream assigns positions, and only the entry of what it reads
   * is used. @default JSON with sorted keys: `{"schemaVersion":"1","entry":{…}}`
   */
  readonly serializer?: EntrySerializer<T>;
  /**
   * Any synchronous Standard Schema validator: its output is published, and is what an entry of the stream becomes when it is read. It must
   * accept its own output as the same entry: `z.coerce.date()`, which accepts a date's JSON, not `z.date()`.
   */
  readonly schema?: StandardSchemaV1<unknown, T>;
  /**
   * Converts an entry that was written in an earlier shape to the present one when it is read. Runs before the schema. An entry that already has the present shape must be
   * returned as the same entry. What it throws is the error of the read.
   */
  readonly upgrade?: (entry: unknown, position: Position) => T;
  /** The configuration of a stream that is created, besides its name and subject. Default: the server's defaults, and `allow_atomic`. */
  readonly streamConfig?: Partial<StreamConfig>;
  /**
   * Create the stream if it is missing. Default: yes, except on a server whose JetStream belongs to a domain if `domain` is not given: the stream may
   * be in another domain.
   */
  readonly create?: boolean;
  /** The JetStream domain that the stream is in. Default: that of the server that the connection leads to */
  readonly domain?: string;
  /** The prefix of JetStream's API, where it is not that of a domain: for a stream of another account. */
  readonly apiPrefix?: string;
}

const OPTIONS: Record<keyof JetStreamScrivenerConfig<unknown>, true> = {
  connection: true,
  stream: true,
  subject: true,
  serializer: true,
  schema: true,
  upgrade: true,
  streamConfig: true,
  create: true,
  domain: true,
  apiPrefix: true,
};

/**
 * Opens a journal in a JetStream stream, which is created if it is missing. A mirror, and a stream that has sources and no subjects of its own, is opened for
 * reading: `write` rejects with {@link NotSupportedError}.
 *
 * Rejects with {@link JournalMismatchError} if the existing stream cannot be this journal, {@link JournalLostError} if it is missing
 * and must not be created, or if the server does not answer, is closed, or denies access, and `TypeError` for invalid options.
 *
 * @example
 * ```ts
 * const connection = await connect({ servers, maxReconnectAttempts: -1 });
 * await using scrivener = await openJetStreamScrivener<ChatEntry>({ connection, stream: 'chat' });
 * await scrivener.write({ type: 'Said', text: 'hello' });
 * ```
 */
export async function openJetStreamScrivener<T>(config: JetStreamScrivenerConfig<T>): Promise<JetStreamScrivener<T>> {
  assertOptions('openJetStreamScrivener', config, OPTIONS);
  const { connection, stream, subject = `${stream}.journal`, serializer, schema, upgrade, streamConfig } = config;
  const { create, domain, apiPrefix } = config;
  assertMethods('connection', connection, ['publish', 'subscribe', 'request']);
  assertName('stream', stream, TOKEN);
  if (upgrade !== undefined) assertFunction('upgrade', upgrade);
  assertName('subject', subject, TOKENS);
  if (domain !== undefined) assertName('domain', domain, TOKEN);
  if (apiPrefix !== undefined) assertName('apiPrefix', apiPrefix, /^[^\s*>]+$/);
  if (domain !== undefined && apiPrefix !== undefined)
    throw new TypeError('Expected `domain` or `apiPrefix`, got both');
  if (serializer !== undefined) assertMethods('serializer', serializer, ['serialize', 'deserialize']);
  if (schema !== undefined) assertSchema(schema);
  if (streamConfig !== undefined && Object(streamConfig) !== streamConfig)
    throw new TypeError(`Expected \`streamConfig\` to be an object, got ${shown(streamConfig)}`);
  if (create !== undefined && typeof create !== 'boolean')
    throw new TypeError(`Expected \`create\` to be true or false, got ${shown(create)}`);
  const missing = {
    ...(streamConfig?.mirror === undefined && { subjects: [subject] }),
    ...(takesBatches(streamConfig) && { allow_atomic: true }),
    ...streamConfig,
    name: stream,
  };
  if (create !== false) assertFits({ ...DEFAULTS, ...missing }, subject);
  const where = { ...(domain !== undefined && { domain }), ...(apiPrefix !== undefined && { apiPrefix }) };
  const manager = await jetstreamManager(connection, { checkAPI: false, ...where });
  let info;
  try {
    // Without a domain, and without `create`, the stream may be in another domain.
    info = await find(manager, missing, create ?? (Object.keys(where).length > 0 || undefined));
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new JournalLostError(`the stream "${stream}" cannot be opened: ${message}`, { cause });
  }
  assertFits(info.config, subject);
  const link = new StreamLink(connection, manager, info);
  return new JetStreamScrivener({
    link,
    publisher: isReadOnly(info.config)
      ? undefined
      : new Publisher(link, {
          subject,
          retryMs: millis(info.config.duplicate_window) / 2,
          isAtomic: info.config.allow_atomic === true,
          isClustered: info.cluster?.name !== undefined,
          isChainable: isChainable(connection.info?.version),
        }),
    payload: new StreamPayload({ source: `the stream "${stream}"`, serializer, reading: { schema, upgrade } }),
  });
}

async function find(
  manager: JetStreamManager,
  missing: Partial<StreamConfig> & { readonly name: string },
  create: boolean | undefined,
): Promise<StreamInfo> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await manager.streams.info(missing.name);
    } catch (error) {
      if (create === false || !isNotFound(error)) throw error;
    }
    if (create === undefined) {
      const { domain } = await manager.getAccountInfo();
      if (domain)
        throw new Error(`it is missing in the JetStream domain "${domain}": pass \`domain\`, or \`create: true\``);
    }
    // If two processes create it at once, the server may refuse one, or answer with a wrong time of creation. So it is looked up again.
    try {
      await manager.streams.add(missing);
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

const ATTEMPTS = 3;
const PAUSE_MS = 50;

function assertName(name: string, value: unknown, pattern: RegExp): void {
  if (typeof value === 'string' && pattern.test(value)) return;
  const isToken = pattern === TOKEN;
  const without = isToken ? 'dots, slashes, wildcards and spaces' : 'wildcards, spaces and empty tokens';
  const shown = typeof value === 'string' ? JSON.stringify(value) : String(value);
  const because = isToken && typeof value === 'string' && value.includes('.') ? ': it has a dot' : '';
  throw new TypeError(`Expected \`${name}\` to be a name without ${without}, got ${shown}${because}`);
}

/** A valid name of a stream, or a domain. */
const TOKEN = /^[^\s.*>/\\]+$/;
const TOKENS = /^[^\s.*>]+(?:\.[^\s.*>]+)*$/;

/** The server's defaults for what a configuration leaves out. */
const DEFAULTS = { retention: RetentionPolicy.Limits, no_ack: false };

/** Whether nothing can be published to a stream, because it gets its messages from other streams. */
function isReadOnly({ mirror, subjects = [] }: Partial<StreamConfig>): boolean {
  return mirror !== undefined || subjects.length === 0;
}

/** Whether a stream that takes atomic batches can be created; servers before 2.12 create it without them. */
function takesBatches({ mirror, persist_mode }: Partial<StreamConfig> = {}): boolean {
  return mirror === undefined && persist_mode !== PersistMode.Async;
}

/**
 * Before 2.10.5 servers could lose count of what they refused when leaders changed (https://github.com/nats-io/nats-server/pull/4365 and 4777), and chains are
 * refused when leaders change. Servers newer than 2.10 may compare the last id before they have stored what was sent earlier; they have batches (2.12).
 */
function isChainable(version = ''): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  return major === 2 && minor === 10 && patch >= 5;
}

type Fitting = Pick<StreamConfig, 'name' | 'retention' | 'no_ack'> & Partial<StreamConfig>;

function assertFits(config: Fitting, subject: string): void {
  const { name, subjects = [], retention, no_ack } = config;
  const wrong = (reason: string) => new JournalMismatchError(`the stream "${name}" ${reason}`);
  if (!isReadOnly(config) && !subjects.some((pattern) => subjectMatches(pattern, subject))) {
    throw wrong(`has the subjects ${subjects.join(', ')}, not ${subject}`);
  }
  if (retention !== RetentionPolicy.Limits) throw wrong(`drops what was read: its retention is ${retention}`);
  if (no_ack) throw wrong('acknowledges nothing');
}
