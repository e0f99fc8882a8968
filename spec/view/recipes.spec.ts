import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileFunction } from 'node:vm';
import * as rxjs from 'rxjs';
import { InMemoryScrivener } from 'rx-scrivener';
import { journalHandler, openRemoteScrivener } from 'rx-scrivener/http';
import * as view from 'rx-scrivener/view';
import ts from 'typescript';
import { codeBlocks } from '../docs/markdown';
import { ROOT } from '../examples/installed-package';

type Entry = { type: 'Said'; text: string };
type Rows = readonly { position: number; entry: Entry | undefined }[];

const blocks = codeBlocks(readFileSync(join(ROOT, 'docs/browsers.md'), 'utf8'));

/** What a block of the guide exports, with these modules. */
function run(beginning: string, modules: Readonly<Record<string, unknown>>): unknown {
  const { text } = blocks.find(({ text }) => text.includes(beginning))!;
  const { outputText } = ts.transpileModule(text, { compilerOptions: { module: ts.ModuleKind.CommonJS } });
  const exported = {};
  const block = compileFunction(outputText, ['exports', 'require']) as (...args: unknown[]) => void;
  block(exported, (name: string) => modules[name]);
  return exported;
}

test('the recipes show a journal of a server, page back, and release it', async () => {
  const journal = new InMemoryScrivener<Entry>();
  for (let n = 1; n <= 120; n++) journal.append({ type: 'Said', text: `entry ${n}` });
  const handle = journalHandler(journal, { authorize: 'public' });
  const fetch = (url: RequestInfo | URL, init?: RequestInit) => handle(new Request(url, init));
  const open = ({ url }: { url: string }) => openRemoteScrivener<Entry>({ url: `http://localhost${url}`, fetch });
  const { rows$, earlier } = run('// chat.ts', {
    rxjs,
    'rx-scrivener/http': { openRemoteScrivener: open },
    'rx-scrivener/view': view,
  }) as { rows$: rxjs.Observable<Rows>; earlier(): void };

  // Vue as the composable uses it.
  const scope = new rxjs.Subscription();
  const written$ = new rxjs.ReplaySubject<Rows>(1);
  const shallowRef = (initial: Rows) => {
    written$.next(initial);
    return { set: (value: Rows) => written$.next(value) };
  };
  const reference = (initial: Rows) =>
    Object.defineProperty({}, 'value', { set: shallowRef(initial).set }) as { value: Rows };
  const { useLatest } = run('onScopeDispose', {
    vue: { shallowRef: reference, onScopeDispose: (teardown: () => void) => scope.add(teardown) },
  }) as { useLatest(source$: rxjs.Observable<Rows>, initial: Rows): void };
  const shown = (from: number, to: number) =>
    rxjs.firstValueFrom(
      written$.pipe(
        rxjs.filter((rows) => rows.length === to - from + 1 && rows.every(({ entry }) => entry !== undefined)),
        rxjs.map((rows) => rows.map(({ position, entry }) => `${position}: ${entry?.text}`)),
      ),
    );
  const expected = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, index) => `${from + index}: entry ${from + index}`);

  useLatest(rows$, []);
  expect(await rxjs.firstValueFrom(written$)).toEqual([]);
  expect(await shown(71, 120)).toEqual(expected(71, 120));
  earlier();
  expect(await shown(21, 120)).toEqual(expected(21, 120));
  earlier();
  expect(await shown(1, 120)).toEqual(expected(1, 120));
  journal.append({ type: 'Said', text: 'entry 121' });
  expect(await shown(1, 121)).toEqual(expected(1, 121));

  expect(journal.observed).toBe(true);
  scope.unsubscribe();
  while (journal.observed) await new Promise(setImmediate);
});
