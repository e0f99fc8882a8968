import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as core from 'rx-scrivener';
import * as file from 'rx-scrivener/file';
import * as http from 'rx-scrivener/http';
import * as nats from 'rx-scrivener/nats';

const ROOT = join(__dirname, '../..');
const page = readFileSync(join(ROOT, 'docs/errors.md'), 'utf8');

/** The members of `ErrorCode`, as they stand in its source. */
const codes = (() => {
  const source = readFileSync(join(ROOT, 'lib/errors/scrivener-error.ts'), 'utf8');
  const [, union = ''] = /export type ErrorCode =([^;]*);/.exec(source) ?? [];
  return [...union.matchAll(/'(ERR_\w+)'/g)].map(([, code = '']) => code).sort();
})();

const sections = page.split(/^## /m).slice(1);

test('every code has a section, and no other has', () => {
  expect(codes.length).toBeGreaterThan(0);
  expect(sections.map((section) => section.split('\n')[0]).sort()).toEqual(codes);
});

test('every code is in the table, and no other is', () => {
  expect([...page.matchAll(/^\| \[`(\w+)`\]/gm)].map(([, code]) => code).sort()).toEqual(codes);
});

test('every section names the class of its code, with cause and remedy', () => {
  for (const section of sections) {
    const [, code, name = ''] = /^(\w+)\n\n`(\w+)`/.exec(section) ?? [];
    const source = readFileSync(join(ROOT, 'lib/errors', `${kebabCase(name)}.ts`), 'utf8');
    expect(source).toContain(`readonly code = '${code}';`);
    expect({ ...core, ...file, ...http, ...nats }).toHaveProperty(name);
    expect(page).toMatch(new RegExp(`^\\| \\[\`${code}\`\\]\\S* +\\| \`${name}\` +\\|$`, 'm'));
    expect(section).toMatch(/^- Cause: [^]*^- Remedy: /m);
  }
});

function kebabCase(name: string): string {
  return name.replace(/(?<=.)[A-Z]/g, '-$&').toLowerCase();
}
