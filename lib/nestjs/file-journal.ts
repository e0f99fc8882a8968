import { newestEvents, type DaemonEvent } from '../daemon/daemon-event';
import { assertCount, assertDelayMs } from '../errors/assert-argument';
import { FileAppendSink } from '../file/file-append-sink';
import { absolutePathOf } from '../file/disk/file-path';
import { FileScrivener } from '../file/file-scrivener';
import type { FileScrivenerConfig } from '../file/file-scrivener-config';
import { openFileScrivener } from '../file/open-file-scrivener';
import type { EntrySerializer } from '../flush/entry-serializer';
import type { FlushPredicate } from '../flush/flush-predicate';
import type { FlushSink } from '../flush/flush-sink';
import type { FlusherDaemon } from '../flush/flusher-daemon';
import { JsonEntrySerializer } from '../flush/json-entry-serializer';
import type { Scrivener } from '../journal/scrivener';
import { anyOf } from '../operators/any-of';
import { countThreshold } from '../operators/count-threshold';
import { elapsed } from '../operators/elapsed';
import type { ApplicationProviders } from './application-providers';
import { flushingThrough } from './flushing-through';
import type { JournalLifecycle } from './journal-lifecycle';
import {
  getDaemonEventsToken,
  getEntrySerializerToken,
  getFlusherToken,
  getFlushPredicateToken,
  getFlushSinkToken,
  getScrivenerToken,
} from './journal-tokens';

/** What a file's scrivener is opened with. */
export type FileJournalParts = Required<
  Pick<FileScrivenerConfig<unknown>, 'serializer' | 'sink' | 'predicate' | 'daemonEvents'>
>;

/** The parts of a journal in a file: of each, what the application provides under its token, or else the default. */
export class FileJournal {
  readonly #name: string;
  readonly #config: FileScrivenerConfig<unknown>;
  readonly #application: ApplicationProviders;
  readonly #lifecycle: JournalLifecycle;

  constructor(
    name: string,
    config: FileScrivenerConfig<unknown>,
    application: ApplicationProviders,
    lifecycle: JournalLifecycle,
  ) {
    this.#name = name;
    // Relative to where the process is when the journal is opened, not when it is first flushed.
    this.#config = { ...config, filePath: absolutePathOf('filePath', config.filePath) };
    this.#application = application;
    this.#lifecycle = lifecycle;
  }

  async serializer(): Promise<EntrySerializer<unknown>> {
    const provided = await this.#application.find<EntrySerializer<unknown>>(getEntrySerializerToken(this.#name));
    return provided ?? this.#config.serializer ?? new JsonEntrySerializer();
  }

  async sink(serializer: EntrySerializer<unknown>): Promise<FlushSink<unknown>> {
    const provided = await this.#application.find<FlushSink<unknown>>(getFlushSinkToken(this.#name));
    const { filePath, durability, sink } = this.#config;
    return provided ?? sink ?? new FileAppendSink({ filePath, serializer, durability });
  }

  async predicate(): Promise<FlushPredicate<unknown>> {
    const provided = await this.#application.find<FlushPredicate<unknown>>(getFlushPredicateToken(this.#name));
    const { flushThreshold = 100, flushIntervalMs = 1000, predicate } = this.#config;
    assertCount('flushThreshold', flushThreshold);
    assertDelayMs('flushIntervalMs', flushIntervalMs);
    return provided ?? predicate ?? anyOf(countThreshold(flushThreshold), elapsed(flushIntervalMs));
  }

  async daemonEvents(): Promise<Scrivener<DaemonEvent>> {
    const provided = await this.#application.find<Scrivener<DaemonEvent>>(getDaemonEventsToken(this.#name));
    return provided ?? this.#config.daemonEvents ?? newestEvents();
  }

  async scrivener(parts: FileJournalParts): Promise<Scrivener<unknown>> {
    const provided = await this.#application.find<Scrivener<unknown>>(getScrivenerToken(this.#name));
    if (provided !== undefined) return provided;

    const flusherToken = getFlusherToken(this.#name);
    const sink = this.#application.has(flusherToken)
      ? flushingThrough(() => this.#application.find<FlusherDaemon<unknown>>(flusherToken), parts.sink)
      : parts.sink;
    const scrivener = await openFileScrivener({ ...this.#config, ...parts, sink });
    this.#lifecycle.opened(() => scrivener.close());
    return scrivener;
  }

  async flusher(scrivener: Scrivener<unknown>): Promise<FlusherDaemon<unknown> | undefined> {
    const provided = await this.#application.find<FlusherDaemon<unknown>>(getFlusherToken(this.#name));
    const flusher = provided ?? (scrivener instanceof FileScrivener ? scrivener.flusher : undefined);
    this.#lifecycle.runs(flusher);
    return flusher;
  }
}
