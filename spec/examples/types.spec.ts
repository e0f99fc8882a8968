import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { typeCheck } from '../docs/type-check';
import { ROOT } from './installed-package';

test('the console chat type-checks by its JSDoc', () => {
  const folder = join(ROOT, 'examples/console-chat');
  const files = readdirSync(folder).map((file) => [join(folder, file), undefined] as const);
  expect(files.length).toBeGreaterThan(0);
  expect(typeCheck(new Map(files), { allowJs: true, checkJs: true, types: ['node'] })).toEqual([]);
}, 60_000);
