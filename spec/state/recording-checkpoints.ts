import type { Checkpoint, CheckpointStore } from 'rx-scrivener';

/** A store that notes each checkpoint; what it does about the next one can be set. */
export class RecordingCheckpoints<S> implements CheckpointStore<S> {
  readonly saved: Checkpoint<S>[] = [];
  /** Settles when the save under way is to end. */
  hold: Promise<void> = Promise.resolve();

  constructor(private stored?: Checkpoint<S>) {}

  get positions(): number[] {
    return this.saved.map(({ position }) => position);
  }

  async load(): Promise<Checkpoint<S> | undefined> {
    return this.stored;
  }

  async save(checkpoint: Checkpoint<S>): Promise<void> {
    this.saved.push(checkpoint);
    await this.hold;
    this.stored = checkpoint;
  }
}
