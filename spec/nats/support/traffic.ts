import { jetstreamManager } from '@nats-io/jetstream';
import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { JournalMismatchError, WriteUncertainError } from 'rx-scrivener/nats';
import type { JetStreamScrivener } from 'rx-scrivener/nats';

/** What the writers write: who it was, and the number of the call. */
export interface Mark {
  readonly writer: number;
  readonly n: number;
}

const IN_FLIGHT = 8;
const PACE_MS = 2;
/** So long may servers that have come back be without a leader, on a busy machine, and answer nobody. */
const ELECTION_MS = 90_000;
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const name = ({ writer, n }: Mark) => `${writer}:${n}`;

/** What a reader saw, and whether it was told that the stream holds something else. */
interface Seen {
  readonly kind: string;
  readonly seen: [number, string][];
  mismatch?: JournalMismatchError;
}

/** Writers and readers that go on through whatever is done to the servers, and what became of what they wrote. */
export class Traffic {
  readonly #acknowledged = new Map<string, number>();
  readonly #counts = new Map<number, number>();
  readonly #uncertain = new Set<string>();
  readonly #failures: unknown[] = [];
  readonly #tails: Seen[] = [];
  readonly #writing: Promise<void>[] = [];
  readonly #waits = new Set<() => void>();
  /** What servers sent to readers at each position. */
  readonly #delivered = new Map<number, Set<string>>();
  #isOver = false;

  /** How many writes were acknowledged so far. */
  get acknowledged(): number {
    return this.#acknowledged.size;
  }

  /** Resolves once so many more writes are acknowledged. */
  async more(count: number): Promise<void> {
    const goal = this.acknowledged + count;
    await this.#until(() => this.acknowledged >= goal);
  }

  /** Resolves once each writer has so many more that are acknowledged. */
  async moreOfEach(count: number): Promise<void> {
    const goals = [...this.#counts].map(([writer, had]) => [writer, had + count] as const);
    await this.#until(() => goals.every(([writer, goal]) => this.#counts.get(writer)! >= goal));
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition() && this.#failures.length === 0) {
      await new Promise<void>((resolve) => this.#waits.add(resolve));
    }
    expect(this.#failures).toEqual([]);
  }

  /** Notes what servers send to readers from now on, before anybody has it. */
  listen(connection: NatsConnection): void {
    const subscribe = connection.subscribe.bind(connection);
    connection.subscribe = (subject, options = {}) => {
      const { callback } = options;
      if (!callback) return subscribe(subject, options);
      const noting: typeof callback = (error, message) => {
        if (!error) this.#note(message);
        return callback(error, message);
      };
      return subscribe(subject, { ...options, callback: noting });
    };
  }

  #note(message: Msg): void {
    const position = sequenceOf(message);
    if (position === undefined) return;
    const marks = this.#delivered.get(position) ?? new Set();
    this.#delivered.set(position, marks.add(name(message.json<{ entry: Mark }>().entry)));
  }

  /** Writes from now on, so many at a time. */
  write(scrivener: JetStreamScrivener<Mark>, writer: number, inFlight = IN_FLIGHT): void {
    let count = 0;
    this.#counts.set(writer, 0);
    const lane = async () => {
      while (!this.#isOver) {
        const mark = { writer, n: ++count };
        try {
          this.#acknowledged.set(name(mark), await scrivener.write(mark));
          this.#counts.set(writer, (this.#counts.get(writer) ?? 0) + 1);
        } catch (error) {
          if (error instanceof WriteUncertainError) this.#uncertain.add(name(mark));
          else this.#fail(error);
        }
        this.#wake();
        await pause(PACE_MS);
      }
    };
    this.#writing.push(...Array.from({ length: inFlight }, lane));
  }

  /** Reads by subscription from now on. */
  subscribe(scrivener: JetStreamScrivener<Mark>): void {
    const tail = this.#tail('subscription');
    scrivener.tail().subscribe({
      next: ({ position, entry }) => {
        tail.seen.push([position, name(entry)]);
        this.#wake();
      },
      error: (error: unknown) => this.#end(tail, error),
    });
  }

  /** Reads by iteration from now on, and stops for so long now and then. */
  iterate(scrivener: JetStreamScrivener<Mark>, stopMs = 0): void {
    const tail = this.#tail(stopMs ? 'slow iteration' : 'iteration');
    const read = async () => {
      for await (const { position, entry } of scrivener.tail()) {
        tail.seen.push([position, name(entry)]);
        this.#wake();
        if (stopMs && position % 100 === 0) await pause(stopMs);
      }
    };
    read().catch((error: unknown) => this.#end(tail, error));
  }

  /**
   * Ends the writing, waits for the readers, and checks that every acknowledged entry is in the stream once, at its position, and that every reader
   * saw all the stream holds once and in order, and that the entries of each writer are in the order of its calls. Prints what it counted.
   *
   * @param mayFork - replicas of a cluster may come to differ for good, and a reader is served by one of them: nats-server 2.9.10 after a SIGSTOP of the leader,
   *   2.10.27 once after a SIGKILL. Then what a reader saw is either what the leader holds, or what a server has sent for that position, and who differs is
   *   counted; a reader may notice it
   */
  async settle(title: string, connection: NatsConnection, stream: string, mayFork = false): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#writing);
    expect(this.#failures).toEqual([]);
    const stored = await storedIn(connection, stream);
    for (const tail of this.#tails) {
      if (tail.mismatch && !mayFork) throw tail.mismatch;
      while (tail.seen.length < stored.length && !tail.mismatch && this.#failures.length === 0) {
        await new Promise<void>((resolve) => this.#waits.add(resolve));
      }
    }
    expect(this.#failures).toEqual([]);
    expect(new Set(stored.map(([, mark]) => mark)).size).toBe(stored.length);
    const held = new Map(stored.map(([position, mark]) => [mark, position]));
    for (const [mark, position] of this.#acknowledged) expect([mark, held.get(mark)]).toEqual([mark, position]);
    for (const [, mark] of stored) expect(this.#acknowledged.has(mark) || this.#uncertain.has(mark)).toBe(true);
    expect(overtaken(stored.filter(([, mark]) => this.#acknowledged.has(mark)))).toBe(0);
    const wasSent = (position: number, mark: string) => mayFork && this.#delivered.get(position)?.has(mark) === true;
    const isFork = ([position, mark]: [number, string]) =>
      stored[position - 1]?.[1] !== mark && wasSent(position, mark);
    const forked = this.#tails.filter(({ seen, mismatch }) => mismatch ?? seen.some(isFork)).length;
    for (const { kind, seen, mismatch } of this.#tails) {
      // Who noticed it has been sent something else than the leader holds.
      if (mismatch)
        expect([...this.#delivered].some(([at, marks]) => [...marks].some((mark) => isFork([at, mark])))).toBe(true);
      const held = mismatch ? stored.slice(0, seen.length) : stored;
      const expected = held.map((entry, index) => (seen[index] && isFork(seen[index]) ? seen[index] : entry));
      expect({ kind, seen }).toEqual({ kind, seen: expected });
    }
    const tails = this.#tails.map(({ kind, seen }) => `${kind} saw ${seen.length}`).join(', ');
    const found = [...this.#uncertain].filter((mark) => held.has(mark)).length;
    process.stderr.write(
      `${title}: ${stored.length} in the stream, each once; ${this.acknowledged} acknowledged, all there; ` +
        `${this.#uncertain.size} uncertain, ${found} of them there; none overtaken by a later call; ${tails}` +
        (forked > 0 ? `; ${forked} OF THEM FROM A FORKED REPLICA\n` : '\n'),
    );
  }

  #tail(kind: string): Seen {
    const tail: Seen = { kind, seen: [] };
    this.#tails.push(tail);
    return tail;
  }

  #end(tail: Seen, error: unknown): void {
    if (error instanceof JournalMismatchError) tail.mismatch = error;
    else this.#failures.push(error);
    this.#wake();
  }

  #fail(error: unknown): void {
    this.#failures.push(error);
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waits) wake();
    this.#waits.clear();
  }
}

/** All that a stream holds, asked of its leader message by message; again while the servers come to themselves. */
async function storedIn(connection: NatsConnection, stream: string): Promise<[number, string][]> {
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout: 2_000 });
  const deadline = Date.now() + ELECTION_MS;
  const ask = async <R>(request: () => Promise<R>): Promise<R> => {
    for (;;) {
      try {
        return await request();
      } catch (error) {
        if (Date.now() > deadline) throw error;
      }
      await pause(500);
    }
  };
  const { last_seq } = (await ask(() => manager.streams.info(stream))).state;
  const stored: [number, string][] = [];
  for (let first = 1; first <= last_seq; first += 100) {
    const positions = Array.from({ length: Math.min(100, last_seq - first + 1) }, (_, index) => first + index);
    const messages = await Promise.all(positions.map((seq) => ask(() => manager.streams.getMessage(stream, { seq }))));
    messages.forEach((message, index) =>
      stored.push([positions[index]!, name(message!.json<{ entry: Mark }>().entry)]),
    );
  }
  return stored;
}

/** The sequence of a message that a consumer delivers: https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-15.md */
function sequenceOf({ reply }: Msg): number | undefined {
  const tokens = reply?.startsWith('$JS.ACK.') ? reply.split('.') : undefined;
  return tokens && Number(tokens.length === 9 ? tokens[5] : tokens[7]);
}

/** How many entries stand after one that the same writer called later. */
function overtaken(stored: readonly [number, string][]): number {
  const last = new Map<string, number>();
  let count = 0;
  for (const [, mark] of stored) {
    const [writer = '', n] = mark.split(':');
    if (Number(n) < (last.get(writer) ?? 0)) count++;
    else last.set(writer, Number(n));
  }
  return count;
}
