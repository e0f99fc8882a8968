import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { InstalledPackage, ROOT } from '../examples/installed-package';
import { runNode } from '../examples/run-node';
import { codeBlocks } from './markdown';
import { typeCheck } from './type-check';

jest.setTimeout(60_000);

/**
 * What `ts` blocks may use without saying so, as the README's user's guide introduces it. Each block is a module of its own, under these
 * globals; what it declares or imports itself goes before them.
 */
const PRELUDE = `
type ChatEntry =
  | { type: 'Said'; who: string; text: string }
  | { type: 'Asked'; text: string }
  | { type: 'Answered'; inReplyTo: number; text: string };
declare const scrivener: import('rx-scrivener/file').FileScrivener<ChatEntry>;
// Of Vue, which is too large to be installed for this, what the guides use.
declare module 'vue' {
  export function shallowRef<T>(value: T): { value: T };
  export function onScopeDispose(teardown: () => void): void;
}
`;

const pages = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .filter((file) => !file.startsWith('api')) // generated from the declarations
    .map((file) => `docs/${file.replaceAll('\\', '/')}`),
];
const blocks = pages.flatMap((page) =>
  codeBlocks(readFileSync(join(ROOT, page), 'utf8'))
    .filter(({ language }) => language === 'ts')
    .map((block) => ({ ...block, place: `${page}:${block.line}` })),
);

/** Type-checks blocks; complaints have the line that the block has in its page. */
function checkBlocks(blocks: readonly { place: string; text: string; line: number }[]): string[] {
  const files = new Map([[join(ROOT, 'spec/docs/prelude.d.ts'), PRELUDE]]);
  for (const { place, text, line } of blocks) {
    files.set(
      join(ROOT, 'spec/docs', `${place.replace(/\W/g, '-')}.ts`),
      `${'\n'.repeat(line - 1)}${text}\nexport {};\n`,
    );
  }
  return typeCheck(files);
}

test('TypeScript blocks type-check', () => {
  expect(blocks.length).toBeGreaterThan(15);
  expect(checkBlocks(blocks)).toEqual([]);
});

test('a wrong block would not', () => {
  const text = "import { nope } from 'rx-scrivener';\nvoid scrivener.write({ type: 'Sad' });\n";
  expect(checkBlocks([{ place: 'page', line: 7, text }])).toEqual([
    expect.stringMatching(/page\.ts:7: .*no exported member 'nope'/),
    expect.stringMatching(/page\.ts:8: .*"Sad"/),
  ]);
});

describe('runnable blocks print what the block below them says', () => {
  const installed = new InstalledPackage();
  afterAll(() => installed.remove());

  const runnable = blocks.filter(({ info }) => info === 'runnable').map((block) => [block.place, block] as const);

  test.each(runnable)('%s', async (_, { text, next }) => {
    const cwd = installed.newFolder();
    const { outputText } = ts.transpileModule(text, {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
    });
    writeFileSync(join(cwd, 'block.mjs'), outputText);
    expect(next?.language).toBe('text');
    expect(await runNode(['block.mjs'], cwd)).toEqual({ code: 0, signal: null, stderr: '', stdout: next?.text });
  });
});

test('links lead to pages and headings that exist', () => {
  const headings = (page: string) =>
    [...readFileSync(join(ROOT, page), 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    );
  for (const page of pages) {
    // What looks like one in code is an operator of RxJS 9's.
    const text = readFileSync(join(ROOT, page), 'utf8').replace(/^```[^]*?^```$|`[^`\n]*`/gm, '');
    for (const [link, path = '', anchor] of text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)) {
      const target = path === '' ? page : join(page, '..', path);
      if (anchor !== undefined)
        expect({ page, link, headings: headings(target) }).toMatchObject({
          headings: expect.arrayContaining([anchor]) as string[],
        });
      else expect(readdirSync(join(ROOT, target, '..'))).toContain(target.split(/[\\/]/).at(-1));
    }
  }
});
