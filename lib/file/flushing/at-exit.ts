import { writeSync } from 'node:fs';

/** A journal that is flushed when the process ends. */
export interface FlushedAtExit {
  readonly filePath: string;
  flushSync(): void;
}

const journals = new Set<FlushedAtExit>();

/** Flushes a journal when the process ends: normally, by `process.exit` or by an uncaught error. Returns a function that cancels this. */
export function flushAtExit(journal: FlushedAtExit): () => void {
  if (journals.size === 0) process.on('exit', flushAll);
  journals.add(journal);
  return () => {
    if (journals.delete(journal) && journals.size === 0) process.off('exit', flushAll);
  };
}

function flushAll(): void {
  for (const journal of journals) {
    try {
      journal.flushSync();
    } catch (error) {
      // Warnings are no longer printed.
      writeSync(2, `rx-scrivener: entries did not get into ${journal.filePath}: ${String(error)}\n`);
    }
  }
}
