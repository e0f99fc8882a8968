import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = join(__dirname, '../..');
const guides = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync(join(root, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
];

/** The links of a guide that lead to a file of the project: what is said of it, and where it is. */
function linksOf(guide: string): { readonly text: string; readonly filePath: string }[] {
  // Code has brackets, too.
  const markdown = readFileSync(join(root, guide), 'utf8').replace(/^```[^]*?^```$|`[^`\n]*`/gm, '');
  return [...markdown.matchAll(/\[([^\]]*)\]\((?!\w+:|#)([^)#\s]+)(?:#[^)\s]*)?\)/g)].map(
    ([, text = '', path = '']) => ({
      text,
      filePath: join(dirname(guide), path),
    }),
  );
}

test.each(guides)('%s links to files that exist', (guide) => {
  const missing = linksOf(guide).filter(({ filePath }) => !existsSync(join(root, filePath)));
  expect(missing).toEqual([]);
});

test('docs/architecture.md links each name to the file that defines it', () => {
  const names = linksOf('docs/architecture.md').filter(
    ({ text, filePath }) => /^\w+$/.test(text) && filePath.endsWith('.ts') && !filePath.endsWith(`/${text}.ts`),
  );
  expect(names.length).toBeGreaterThan(20);
  const wrong = names.filter(({ text, filePath }) => {
    const source = readFileSync(join(root, filePath), 'utf8');
    return !new RegExp(`^export (?:abstract |async )?(?:class|function\\*?|const|interface|type) ${text}\\b`, 'm').test(
      source,
    );
  });
  expect(wrong).toEqual([]);
});
