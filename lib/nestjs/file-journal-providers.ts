import type { FactoryProvider } from '@nestjs/common';
import type { FileScrivenerConfig } from '../file/file-scrivener-config';
import { ApplicationProviders } from './application-providers';
import { FileJournal, type FileJournalParts } from './file-journal';
import { JournalLifecycle } from './journal-lifecycle';
import {
  getDaemonEventsToken,
  getEntrySerializerToken,
  getFlusherToken,
  getFlushPredicateToken,
  getFlushSinkToken,
  getScrivenerToken,
} from './journal-tokens';

/** The providers under the tokens of a journal in a file, each with what it needs, in the order in which one needs another. */
export function fileJournalProviders(name: string): FactoryProvider[] {
  const serializer = getEntrySerializerToken(name);
  const sink = getFlushSinkToken(name);
  const predicate = getFlushPredicateToken(name);
  const daemonEvents = getDaemonEventsToken(name);
  const scrivener = getScrivenerToken(name);
  return [
    {
      provide: serializer,
      inject: [FileJournal],
      useFactory: (journal: FileJournal) => journal.serializer(),
    },
    {
      provide: sink,
      inject: [FileJournal, serializer],
      useFactory: (journal: FileJournal, serializer: FileJournalParts['serializer']) => journal.sink(serializer),
    },
    {
      provide: predicate,
      inject: [FileJournal],
      useFactory: (journal: FileJournal) => journal.predicate(),
    },
    {
      provide: daemonEvents,
      inject: [FileJournal],
      useFactory: (journal: FileJournal) => journal.daemonEvents(),
    },
    {
      provide: scrivener,
      inject: [FileJournal, serializer, sink, predicate, daemonEvents],
      useFactory: (
        journal: FileJournal,
        serializer: FileJournalParts['serializer'],
        sink: FileJournalParts['sink'],
        predicate: FileJournalParts['predicate'],
        daemonEvents: FileJournalParts['daemonEvents'],
      ) => journal.scrivener({ serializer, sink, predicate, daemonEvents }),
    },
    {
      provide: getFlusherToken(name),
      inject: [FileJournal, scrivener],
      useFactory: (journal: FileJournal, scrivener: Parameters<FileJournal['flusher']>[0]) =>
        journal.flusher(scrivener),
    },
  ];
}

/** The provider of the journal itself, whose configuration is under a token. */
export function fileJournalProvider(name: string, config: symbol): FactoryProvider {
  return {
    provide: FileJournal,
    inject: [config, ApplicationProviders, JournalLifecycle],
    useFactory: (
      config: FileScrivenerConfig<unknown>,
      application: ApplicationProviders,
      lifecycle: JournalLifecycle,
    ) => new FileJournal(name, config, application, lifecycle),
  };
}
