import type { JournalFile } from '../reading/journal-files';
import type { KeptLines } from './kept-lines';
import { showProgress } from '../terminal/progress';
import { salvage } from './salvage';
import type { Terminal } from '../terminal/terminal';

/** Reads all of a journal's files, whatever is damaged. */
export async function salvageFiles(
  files: AsyncIterable<JournalFile> | Iterable<JournalFile>,
  kept: KeptLines,
  doing: string,
  terminal: Terminal,
): Promise<void> {
  for await (const file of files) {
    const progress = showProgress(`${doing} ${file.filePath}`, file.sizeBytes, terminal.stderr);
    try {
      for await (const piece of salvage(file)) {
        progress.update(piece.byteOffset);
        const pause = kept.add(piece);
        if (pause) await pause;
      }
    } finally {
      progress.stop();
    }
  }
  kept.end();
}
