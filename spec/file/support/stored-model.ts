import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { filter, type Subscription } from 'rxjs';
import { BacklogFullError, type FileScrivener, type JournalDiagnostics } from 'rx-scrivener/file';
import type { FailingDisk } from './failing-disk';
import type { Command, Options } from './model-commands';
import { ModelSegments } from './model-segments';
import { ModelReaders, show, showEnd } from './model-readers';
import { outcomeOf } from './outcome';

type Flushed = JournalDiagnostics['rx-scrivener:flushed'];

/** A plain array, the journal that it stands for, and those who read it. */
export class StoredModel {
  readonly entries: string[] = [];
  /** The positions at which an entry or a group ends. */
  readonly ends = new Set([0]);
  readonly segments: ModelSegments;
  readonly readers = new ModelReaders(this);
  /** How far each batch begins behind the one before. */
  readonly #batches: number[] = [];
  readonly #filePath: string;
  readonly #options: Options;

  constructor(
    public scrivener: FileScrivener<string>,
    filePath: string,
    options: Options,
  ) {
    this.#filePath = filePath;
    this.#options = options;
    this.segments = new ModelSegments(options.rotation);
    subscribe('rx-scrivener:flushed', this.#onFlushed);
  }

  get head(): number {
    return this.entries.length;
  }

  show(from: number, to: number): string[] {
    return this.entries.slice(from - 1, to).map((entry, index) => show({ position: from + index, entry }));
  }

  async write(lengths: readonly number[]): Promise<void> {
    const head = this.head;
    const writes = this.#make(lengths).map((entry) => {
      this.#add([entry]);
      return this.scrivener.write(entry, {});
    });
    expect(await Promise.all(writes)).toEqual(writes.map((_, index) => head + 1 + index));
  }

  async writeAll(lengths: readonly number[]): Promise<void> {
    const head = this.head;
    const group = this.#make(lengths);
    this.#add(group);
    expect(await this.scrivener.writeAll(group, { expect: head })).toEqual(group.map((_, index) => head + 1 + index));
  }

  async flush(): Promise<void> {
    await this.scrivener.flush();
    expect([this.scrivener.flushed, this.segments.last]).toEqual([this.head, this.head]);
  }

  /** The disk fails while some is written and flushed; what comes meanwhile and while it is opened anew follows. */
  async fail(
    disk: FailingDisk,
    { fault, lengths, times, reenters, during }: Extract<Command, { do: 'fail' }>,
  ): Promise<void> {
    const refused = (error: unknown) => expect(error).toBe(disk.error);
    if (fault === 'sync') this.segments.delay();
    const reentering = reenters ? this.#onFailure(() => this.#appendIfRoom()) : undefined;
    disk.fail(fault);
    try {
      for (let time = 1; ; time++) {
        await this.#writeIfRoom(lengths, refused);
        await this.scrivener.flush().catch(refused);
        if (this.scrivener.flusher.status === 'Running' || time === times) break;
        await this.scrivener.reopen().catch(refused);
      }
    } finally {
      disk.mend();
      reentering?.unsubscribe();
    }
    expect(this.scrivener.flushed).toBe(this.segments.last);
    if (this.scrivener.flusher.status === 'Running') return;
    await this.readers.backward(this.head + 1, true);
    const reopening = this.scrivener.reopen();
    await this.#writeIfRoom(during, refused);
    await reopening;
    expect(this.scrivener.flusher.status).toBe('Running');
  }

  /** Closes the journal: every reader gets all of it, then the end. */
  async close(): Promise<void> {
    await this.readers.readOn();
    await this.scrivener.close();
    expect([this.scrivener.flushed, this.scrivener.head, this.segments.last]).toEqual([
      this.head,
      this.head,
      this.head,
    ]);
    await this.readers.end();
  }

  /** While nothing is being flushed, the journal is exactly what it has to be. */
  async holds(): Promise<void> {
    const { values, error } = await outcomeOf(this.scrivener.readBackward());
    const first = this.head + 1 - values.length;
    expect(values.reverse().map(show)).toEqual(this.show(first, this.head));
    expect(showEnd(error)).toBe(first === 1 ? 'done' : `trimmed ${first - 1} ${first}`);
    expect(this.scrivener.head).toBe(this.head);
    expect(this.#batches.filter((distance) => distance !== 1)).toEqual([]);
    this.segments.find(first);
    if (this.segments.isExact) expect(first).toBe(this.segments.first);
  }

  dispose(): Promise<void> {
    unsubscribe('rx-scrivener:flushed', this.#onFlushed);
    return this.scrivener.close();
  }

  readonly #onFlushed = (message: unknown): void => {
    const { filePath, first, last } = message as Flushed;
    if (filePath !== this.#filePath) return;
    this.#batches.push(first - this.segments.last);
    let bytes = 0;
    for (let position = first; position <= last; position++) bytes += this.#bytesOf(position);
    this.segments.flush(last, bytes);
  };

  /** Acts on what the flusher journals from now on when it fails, before it has failed. */
  #onFailure(act: () => void): Subscription {
    let isLive = false;
    const failures = this.scrivener.daemonEvents.tail().pipe(filter(({ entry }) => entry.type === 'FailureOccurred'));
    const subscription = failures.subscribe(() => {
      if (isLive) act();
    });
    isLive = true;
    return subscription;
  }

  #bytesOf(position: number): number {
    const line = `{"schemaVersion":"1","position":${position},"entry":${JSON.stringify(this.entries[position - 1])}}\n`;
    const sum = this.#options.checksum ? ',"crc32":"01234567"'.length : 0;
    return Buffer.byteLength(line) + sum + (this.ends.has(position) ? 0 : 1);
  }

  #make(lengths: readonly number[]): string[] {
    return lengths.map((length, index) => `ü${this.head + index}-`.padEnd(length, 'x'));
  }

  #add(group: readonly string[]): void {
    this.entries.push(...group);
    this.ends.add(this.head);
  }

  /** One after the other: where `maxPending` wait already, one is refused with what the flusher fails with. */
  async #writeIfRoom(lengths: readonly number[], refused: (error: unknown) => void): Promise<void> {
    for (const length of lengths) {
      const [entry = ''] = this.#make([length]);
      this.#add([entry]);
      try {
        const position = this.head;
        expect(await this.scrivener.write(entry)).toBe(position);
      } catch (error) {
        refused(error);
        this.ends.delete(this.head);
        this.entries.pop();
      }
    }
  }

  #appendIfRoom(): void {
    const [entry = ''] = this.#make([0]);
    try {
      this.scrivener.append(entry);
      this.#add([entry]);
    } catch (error) {
      if (!(error instanceof BacklogFullError)) throw error;
    }
  }
}
