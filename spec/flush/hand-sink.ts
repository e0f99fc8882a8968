import type { FlushSink, Snapshot } from 'rx-scrivener';

/** A sink in the hand of its spec: it accepts at once, until it is told to hang. */
export class HandSink<T> implements FlushSink<T> {
  /** The positions of every snapshot it was handed, accepted or not. */
  readonly handed: number[][] = [];
  /** The positions of every snapshot it has accepted. */
  readonly accepted: number[][] = [];
  readonly snapshots: Snapshot<T>[] = [];
  closed = 0;
  hanging = false;
  readonly #waiting: { resolve(): void; reject(error: unknown): void }[] = [];

  async append(snapshot: Snapshot<T>): Promise<void> {
    const positions = snapshot.map(({ position }) => position);
    this.handed.push(positions);
    this.snapshots.push(snapshot);
    if (this.hanging) await new Promise<void>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    this.accepted.push(positions);
  }

  async close(): Promise<void> {
    this.closed++;
  }

  /** How many appends are under way. */
  get pending(): number {
    return this.#waiting.length;
  }

  /** Accepts the append under way. */
  accept(): void {
    this.#waiting.shift()!.resolve();
  }

  /** Rejects the append under way. */
  refuse(error: unknown): void {
    this.#waiting.shift()!.reject(error);
  }

  /** Accepts the append under way and all to come. */
  release(): void {
    this.hanging = false;
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }
}
