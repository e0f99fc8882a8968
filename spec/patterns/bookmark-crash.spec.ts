import { existsSync, readFileSync } from 'node:fs';
import { useChildren } from '../file/support/child';
import { until } from '../file/support/outcome';
import { useTempDir } from '../file/support/temp-dir';

const path = useTempDir();
const child = useChildren();

const positions = () => readFileSync(path('journal.ndjson'), 'utf8').split('\n').length - 1;
const bookmark = () =>
  existsSync(path('bookmark.json'))
    ? (JSON.parse(readFileSync(path('bookmark.json'), 'utf8')) as { position: number }).position
    : 0;

test.each(['consume', 'host'])(
  '%s: what a crash takes back from the journal, the bookmark does not count as handled',
  async (program) => {
    const start = async () => {
      const running = child([program, path('journal.ndjson'), path('bookmark.json')]);
      while ((await running.says()) !== 'open');
      const handles = async (texts: string) => {
        for (const text of texts) running.tell(text);
        await until(
          () => Array.from(texts).every((text) => running.said.includes(`handled ${text}`)),
          `${texts} handled`,
        );
      };
      return { handles, crash: () => running.crash() };
    };
    const first = await start();
    await first.handles('ab');
    await until(() => bookmark() === 2);
    expect(positions()).toBe(2);
    await first.handles('cde');
    await first.crash();
    expect(bookmark()).toBeLessThanOrEqual(positions());

    const second = await start();
    await second.handles('ABCD');
    await until(() => bookmark() === positions());
    await second.crash(); // before its folder is removed
  },
);
