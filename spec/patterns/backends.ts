import { InMemoryScrivener, TappedScrivener, type Scrivener } from 'rx-scrivener';
import { openFileScrivener } from 'rx-scrivener/file';
import { LateScrivener } from '../testing/late-scrivener';

type Open<T> = (filePath: string) => Promise<{ scrivener: Scrivener<T>; complete?(): void; close(): Promise<void> }>;

/** The journals that the patterns are run against: they have to do with the public interface. */
export function backends<T>(): [string, Open<T>][] {
  return [
    [
      'in memory',
      async () => {
        const scrivener = new InMemoryScrivener<T>();
        return { scrivener, complete: () => scrivener.complete(), close: async () => undefined };
      },
    ],
    [
      'tapped',
      async () => {
        const inner = new InMemoryScrivener<T>();
        const scrivener = new TappedScrivener<T>(inner, async (entry, to, options) => {
          await Promise.resolve();
          return to.write(entry, options);
        });
        return { scrivener, complete: () => inner.complete(), close: async () => undefined };
      },
    ],
    [
      'in a file',
      async (filePath) => {
        const scrivener = await openFileScrivener<T>({ filePath });
        return { scrivener, close: () => scrivener.close() };
      },
    ],
    [
      'behind a delay',
      async () => {
        const scrivener = new LateScrivener<T>();
        return { scrivener, complete: () => scrivener.complete(), close: async () => undefined };
      },
    ],
  ];
}
