import { writeSync } from 'node:fs';

/** A journal whose file is to have everything when the process ends. */
export interface FlushedAtExit {
  readonly filePath: string;
  flushSync(): void;
}

const journals = new Set<FlushedAtExit>();

/** Has a journal flushed when the process ends, on its own, by `process.exit` or by an error that nobody caught; returns what takes that back. */
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
      // Warnings are not printed any more.
      writeSync(2, `rx-scrivener: entries did not get into ${journal.filePath}: ${String(error)}\n`);
    }
  }
}
