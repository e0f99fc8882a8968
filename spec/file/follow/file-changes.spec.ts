import { renameSync, writeFileSync } from 'node:fs';
import { FileChanges } from '../../../lib/file/follow/file-changes';
import { onLinux, watchers } from '../support/open-descriptors';
import { until } from '../support/outcome';
import { useTempDir } from '../support/temp-dir';

const path = useTempDir();

onLinux('a file that takes the name of a renamed one some time later is watched as well', async () => {
  const filePath = path('journal.ndjson');
  writeFileSync(filePath, 'one\n');
  const end = new AbortController();
  const followers = [new FileChanges(filePath, end.signal), new FileChanges(filePath, end.signal)];
  await Promise.all(followers.map((changes) => changes.next()));
  await until(() => watchers() === 1);
  renameSync(filePath, path('journal.ndjson.1'));
  await until(() => watchers() === 0);
  writeFileSync(filePath, 'two\n');
  await until(() => watchers() === 1);
  end.abort();
  await until(() => watchers() === 0);
});
