import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { journalName } from '../../file/folder/folder-name';
import { JOURNAL_FILE } from '../../file/folder/journal-folders';
import { describeSideFile } from './side-file';
import { segmentFirst } from './source';

/** A journal of a folder. */
export interface FolderJournal {
  /** Its file, as a path in the folder. */
  readonly path: string;
  readonly name: string;
  /** The names of the files beside it. */
  readonly files: readonly string[];
}

const NAME = /\.(?:ndjson|jsonl|log)$/;

/** The journals of a folder: its files, and those that `openJournalFolder` keeps in folders of their own. */
export async function folderJournals(folder: string): Promise<FolderJournal[]> {
  const journals: FolderJournal[] = [];
  const found = await readdir(folder, { withFileTypes: true });
  const files = found.filter((each) => !each.isDirectory()).map(({ name }) => name);
  for (const name of files) {
    const filePath = join(folder, name);
    if (!NAME.test(name) || segmentFirst(filePath) !== undefined) continue;
    if ((await describeSideFile(filePath)) === undefined) journals.push({ path: name, name, files });
  }
  for (const each of found) {
    if (!each.isDirectory() || each.name.startsWith('.')) continue;
    const files = await readdir(join(folder, each.name)).catch((): string[] => []);
    const path = `${each.name}/${JOURNAL_FILE}`;
    if (files.includes(JOURNAL_FILE)) journals.push({ path, name: journalName(each.name) ?? each.name, files });
  }
  return journals;
}

/** The files of a folder's journals, by their paths; for a folder without any, and for a path that is not a folder, the path itself. */
export async function journalPaths(path: string): Promise<string[]> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) return [path];
  const journals = await folderJournals(path);
  return journals.length === 0 ? [path] : journals.map((journal) => join(path, journal.path)).sort();
}
