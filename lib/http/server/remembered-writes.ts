import { Problem } from './problem';
import type { Answer } from './write-memory';

/**
 * The memory of writes with an `Idempotency-Key` that several servers of one journal share: a table of a database, or Redis.
 *
 * Keep each key for longer than clients retry (their `retryMs`, 30 seconds by default). Keys and records are strings; a record has a few kilobytes at most.
 *
 * @example
 * ```ts
 * const remembered: RememberedWrites = {
 *   claim: async (key, record) => (await redis.set(key, record, { NX: true, GET: true, PX: 300_000 })) ?? undefined,
 *   settle: async (key, record) => void (await (record === undefined ? redis.del(key) : redis.set(key, record, { PX: 300_000 }))),
 * };
 * ```
 */
export interface RememberedWrites {
  /** Atomically stores `record` under a key that has none yet; resolves with the record that the key already has, otherwise with `undefined`. */
  claim(key: string, record: string): Promise<string | undefined>;
  /** Replaces the record of a key; with `undefined` the key is free again. */
  settle(key: string, record: string | undefined): Promise<void>;
}

interface Written {
  readonly digest: string;
  /** Missing while a server writes, and forever if that server ended meanwhile. */
  readonly answer?: Answer;
}

/** How a write is identified. */
interface Keyed {
  readonly key: string;
  readonly digest: string;
}

/**
 * Writes, unless another server of the same journal has done so: then the answer is that server's. While another one is writing, or its state is unknown, the answer is a
 * 503 that asks for a retry.
 *
 * @param report - receives errors of the memory after the write is answered
 */
export async function writeOnceAmong(
  servers: RememberedWrites,
  { key, digest }: Keyed,
  write: () => Promise<Answer>,
  report: (error: unknown) => unknown,
): Promise<Answer> {
  const known = await claimed(servers, key, { digest });
  if (known !== undefined) {
    if (known.digest !== digest) throw keyReused();
    if (known.answer === undefined) throw later('Another server is writing this, or has ended while it was');
    return known.answer;
  }
  let answer: Answer | undefined;
  try {
    answer = await write();
    return answer;
  } finally {
    // A 503 has appended nothing, and is worth a retry.
    const record = answer && answer.status !== 503 ? JSON.stringify({ digest, answer: plain(answer) }) : undefined;
    try {
      await servers.settle(key, record);
    } catch (error) {
      report(error);
    }
  }
}

/** The key was used for another request. */
export function keyReused(): Problem {
  return new Problem(422, 'ERR_KEY_REUSED', 'The idempotency key was used for another request');
}

async function claimed(servers: RememberedWrites, key: string, record: Written): Promise<Written | undefined> {
  try {
    const known = await servers.claim(key, JSON.stringify(record));
    return known === undefined ? undefined : (JSON.parse(known) as Written);
  } catch (cause) {
    throw later('It cannot be found out now whether this was written', cause);
  }
}

function later(detail: string, cause?: unknown): Problem {
  return new Problem(503, 'ERR_UNAVAILABLE', detail, { cause, headers: { 'Retry-After': '1' } });
}

/** Problems are answers with more details. */
export function plain({ status, body, headers, verbatim }: Answer): Answer {
  return { status, body, ...(headers && { headers }), verbatim };
}
