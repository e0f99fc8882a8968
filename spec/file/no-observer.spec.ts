import { config, of, type Observer } from 'rxjs';
import { openFileScrivener } from 'rx-scrivener/file';
import { settle } from '../journal/settle';
import { useTempDir } from './support/temp-dir';

const path = useTempDir();

test('a source that is subscribed to it, as JavaScript may, is told of writeTo, and nothing is dropped silently', async () => {
  const scrivener = await openFileScrivener<number>({ filePath: path('journal.ndjson') });
  const told: unknown[] = [];
  config.onUnhandledError = (error: unknown) => told.push(error);
  try {
    of(1).subscribe(scrivener as unknown as Observer<number>);
    await new Promise((resolve) => setTimeout(resolve));
    await settle();
  } finally {
    config.onUnhandledError = null;
    await scrivener.close();
  }
  expect(told).toEqual([expect.objectContaining({ message: expect.stringContaining('writeTo') as string })]);
});

test('nor does TypeScript take it for an observer', async () => {
  const scrivener = await openFileScrivener<number>({ filePath: path('other.ndjson') });
  // @ts-expect-error -- its `next` is protected
  const observer: Partial<Observer<number>> = scrivener;
  expect(observer).toBe(scrivener);
  await scrivener.close();
});
