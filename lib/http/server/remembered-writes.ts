import { Problem } from './problem';
import type { Answer } from './write-memory';

/**
 * What several servers of one journal know of writes with an `Idempotency-Key`: a table of a database, or Redis, that all of them use.
 *
 * Keep each key for longer than clients try (their `retryMs`, 30 seconds by default). Keys and records are texts; a record has at most some kilobytes.
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
  /** Keeps `record` under a key that has none yet, in one step that no other server comes between; resolves with the record that the key has already, else with `undefined`. */
  claim(key: string, record: string): Promise<string | undefined>;
  /** Replaces the record of a key; with `undefined` the key is free again. */
  settle(key: string, record: string | undefined): Promise<void>;
}

interface Written {
  readonly digest: string;
  /** Not there while a server writes, and for good where it ended meanwhile. */
  readonly answer?: Answer;
}

/** How a write is told from others. */
interface Keyed {
  readonly key: string;
  readonly digest: string;
}

/**
 * Writes, unless a server of the same journal has done so: then it is answered as there. While another one is about it, or nobody can say, the answer is a
 * 503 that asks to come again.
 *
 * @param report - is told what the memory fails with once the write is answered
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
    // Nothing was appended by a 503, and it is worth trying again.
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

/** Problems are answers with more about them. */
export function plain({ status, body, headers, verbatim }: Answer): Answer {
  return { status, body, ...(headers && { headers }), verbatim };
}
