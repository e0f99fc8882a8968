import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as core from 'rx-scrivener';
import manifest from '../package.json';

const lib = join(__dirname, '..', 'lib');

/** What each further entry exports. */
const entries: Record<string, string[]> = {
  file: [
    'BacklogFullError',
    'CorruptBookmarkError',
    'CorruptEntryError',
    'CorruptJournalError',
    'EntryValidationError',
    'FileAppendSink',
    'FileBookmarkStore',
    'FileCheckpointStore',
    'FileReader',
    'FileScrivener',
    'FlushAbandonedError',
    'JournalExistsError',
    'JournalLockedError',
    'JournalMismatchError',
    'JournalNotFoundError',
    'NotSupportedError',
    'SchemaMismatchError',
    'SerializationError',
    'copyJournal',
    'forkJournal',
    'openFileReader',
    'openFileScrivener',
    'openJournalFolder',
    'readJournal',
  ],
  'durable-streams': [
    'DurableStream',
    'HttpStatusError',
    'NotSupportedError',
    'SerializationError',
    'durableStream',
    'durableStreams',
    'openDurableStream',
  ],
  http: [
    'AccessDeniedError',
    'CorruptEntryError',
    'EntryTooLargeError',
    'EntryValidationError',
    'HttpStatusError',
    'JournalLostError',
    'JournalMismatchError',
    'RemoteScrivener',
    'SerializationError',
    'WriteUncertainError',
    'journalHandler',
    'nodeListener',
    'openRemoteScrivener',
  ],
  indexeddb: [
    'CorruptBookmarkError',
    'CorruptEntryError',
    'CorruptJournalError',
    'EntryValidationError',
    'FlushAbandonedError',
    'IndexedDbBookmarkStore',
    'IndexedDbScrivener',
    'IndexedDbSink',
    'JournalLockedError',
    'JournalLostError',
    'JournalMismatchError',
    'SchemaMismatchError',
    'SerializationError',
    'openIndexedDbScrivener',
  ],
  nats: [
    'CorruptEntryError',
    'EntryValidationError',
    'JetStreamScrivener',
    'JournalLostError',
    'JournalMismatchError',
    'NotSupportedError',
    'SchemaMismatchError',
    'SerializationError',
    'WriteRefusedError',
    'WriteUncertainError',
    'copyJournal',
    'openJetStreamScrivener',
  ],
  nestjs: [
    'InjectJournals',
    'InjectScrivener',
    'ScrivenerModule',
    'getDaemonEventsToken',
    'getEntrySerializerToken',
    'getFlushPredicateToken',
    'getFlushSinkToken',
    'getFlusherToken',
    'getJournalsToken',
    'getScrivenerToken',
  ],
  shared: [
    'JournalLockedError',
    'JournalLostError',
    'NotSupportedError',
    'SharedScrivener',
    'WriteUncertainError',
    'openSharedScrivener',
  ],
  react: ['JournalView', 'useConnection', 'useJournal', 'useObservable', 'useProjection'],
  view: ['JournalView'],
};

test('rx-scrivener exports these values and no others', () => {
  expect(Object.keys(core).sort()).toEqual([
    'AdapterHost',
    'AgentHost',
    'BookmarkAheadError',
    'BufferOverflowError',
    'ContractDaemon',
    'CorruptBookmarkError',
    'CorruptEntryError',
    'CorruptJournalError',
    'END',
    'EntryValidationError',
    'FlusherDaemon',
    'InMemoryScrivener',
    'InvalidTransitionError',
    'JournalClosedError',
    'JournalExistsError',
    'JournalLockedError',
    'JournalNotFoundError',
    'JournalStream',
    'JsonEntrySerializer',
    'PositionConflictError',
    'PositionTrimmedError',
    'START',
    'SchemaMismatchError',
    'ScrivenerError',
    'SerializationError',
    'TappedScrivener',
    'anyOf',
    'ask',
    'bufferUntil',
    'byteThreshold',
    'classSchema',
    'consume',
    'countThreshold',
    'currentState',
    'decide',
    'discriminatedBy',
    'elapsed',
    'entries',
    'errorData',
    'flushingOf',
    'inMemoryJournals',
    'instanceOf',
    'isType',
    'jsonOnly',
    'lastEntries',
    'project',
    'projection',
    'toAsyncIterable',
    'waitFor',
    'writeOnce',
    'writeTo',
  ]);
});

for (const [name, names] of Object.entries(entries)) {
  test(`rx-scrivener/${name} exports these values and no others`, () => {
    const entry = jest.requireActual<object>(`rx-scrivener/${name}`);
    expect(Object.keys(entry).sort()).toEqual(names);
  });
}

test('rx-scrivener/testing exports functions only', () => {
  const entry = jest.requireActual<Record<string, unknown>>('rx-scrivener/testing');
  expect(Object.keys(entry)).not.toEqual([]);
  for (const value of Object.values(entry)) expect(typeof value).toBe('function');
});

test('every folder with an index.ts is an entry of the package', () => {
  const folders = readdirSync(lib, { withFileTypes: true })
    .filter((folder) => folder.isDirectory() && existsSync(join(lib, folder.name, 'index.ts')))
    .map(({ name }) => `./${name}`);
  for (const folder of folders) expect(Object.keys(manifest.exports)).toContain(folder);
});

test('every error has a name and a code of its own, and is a ScrivenerError', () => {
  const options = { filePath: 'f', line: 1, byteOffset: 0, reason: 'r' };
  const errors = [
    new core.BookmarkAheadError(3, 2),
    new core.BufferOverflowError(1),
    new core.CorruptEntryError('r'),
    new core.CorruptJournalError(options),
    new core.EntryValidationError([{ message: 'm', path: ['a', { key: 'b' }] }, { message: 'n' }]),
    new core.InvalidTransitionError('d', 'Stopped', 'a'),
    new core.JournalClosedError(),
    new core.JournalLockedError('f'),
    new core.PositionConflictError(1, 2),
    new core.PositionTrimmedError(1, 2),
    new core.SchemaMismatchError({ source: 'f', position: 3, issues: [{ message: 'm' }] }),
    new core.SerializationError('r'),
  ];
  for (const error of errors) {
    expect(error).toBeInstanceOf(core.ScrivenerError);
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe(error.constructor.name);
    // ERR_ and the name in words: what users compare with, for good.
    const words = error.name
      .replace(/Error$/, '')
      .replace(/(?<=.)[A-Z]/g, '_$&')
      .toUpperCase();
    expect(error.code).toBe(`ERR_${words}`);
    expect(error.message).not.toBe('');
  }
  expect(errors.map(({ message }) => message)).toEqual([
    'The bookmark is at position 3, the journal ends at 2',
    'The consumer fell more than 1 values behind',
    'Not a journal line: r',
    'f, line 1 (byte 0): r',
    'The schema refuses the entry: a.b: m; n',
    'Daemon "d" is Stopped: cannot a',
    'The journal is closed',
    'f is open for writing elsewhere',
    'Expected the journal to end at position 1, it ends at 2',
    'Position 1 was dropped, the oldest kept is 2',
    'f, position 3: the schema refuses the entry that the journal holds: m. The journal is sound: read it with a schema that accepts what was written before, too',
    'The entry cannot be serialized: r',
  ]);
  expect(errors[3]).toMatchObject(options);
  expect(errors[4]).toMatchObject({ issues: [{ message: 'm' }, { message: 'n' }] });
  expect(errors[5]).toMatchObject({ daemon: 'd', status: 'Stopped' });
});
