/** The name of the journal, or of the folder, that is meant where none is said. */
export const DEFAULT_NAME = 'default';

// Strings, so that they are the same in ESM and CJS, and can be read in Nest's messages.
const token = (part: string, name: string) => `rx-scrivener:${part}:${name}`;

/**
 * The token that Nest's container has a journal's scrivener under.
 *
 * @example
 * ```ts
 * const scrivener = app.get<FileScrivener<Entry>>(getScrivenerToken('audit'));
 * ```
 */
export function getScrivenerToken(name: string = DEFAULT_NAME): string {
  return token('scrivener', name);
}

/**
 * The token of a file journal's {@link EntrySerializer}; by default {@link JsonEntrySerializer}.
 *
 * @example
 * ```ts
 * const provider = { provide: getEntrySerializerToken(), useClass: MySerializer };
 * ```
 */
export function getEntrySerializerToken(name: string = DEFAULT_NAME): string {
  return token('entry-serializer', name);
}

/**
 * The token of a file journal's {@link FlushSink}; by default {@link FileAppendSink}.
 *
 * @example
 * ```ts
 * const provider = { provide: getFlushSinkToken(), useClass: MySink };
 * ```
 */
export function getFlushSinkToken(name: string = DEFAULT_NAME): string {
  return token('flush-sink', name);
}

/**
 * The token of a file journal's {@link FlushPredicate}; by default that of `flushThreshold` and `flushIntervalMs`.
 *
 * @example
 * ```ts
 * const provider = { provide: getFlushPredicateToken(), useValue: countThreshold(1) };
 * ```
 */
export function getFlushPredicateToken(name: string = DEFAULT_NAME): string {
  return token('flush-predicate', name);
}

/**
 * The token of the journal that a file journal's flusher keeps its {@link DaemonEvent}s in; by default one in memory.
 *
 * @example
 * ```ts
 * const provider = { provide: getDaemonEventsToken(), useExisting: getScrivenerToken('operations') };
 * ```
 */
export function getDaemonEventsToken(name: string = DEFAULT_NAME): string {
  return token('daemon-events', name);
}

/**
 * The token of a file journal's {@link FlusherDaemon}; by default the scrivener's own.
 *
 * @example
 * ```ts
 * const flusher = app.get<FlusherDaemon<Entry>>(getFlusherToken());
 * ```
 */
export function getFlusherToken(name: string = DEFAULT_NAME): string {
  return token('flusher', name);
}

/**
 * The token that Nest's container has the {@link Journals} of a folder under.
 *
 * @example
 * ```ts
 * const journals = app.get<Journals<Entry>>(getJournalsToken());
 * ```
 */
export function getJournalsToken(name: string = DEFAULT_NAME): string {
  return token('journals', name);
}
