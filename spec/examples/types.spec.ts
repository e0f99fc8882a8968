import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { typeCheck } from '../docs/type-check';
import { ROOT } from './installed-package';

test.each(['console-chat', 'agents'])(
  '%s type-checks by its JSDoc',
  (name) => {
    const folder = join(ROOT, 'examples', name);
    const files = readdirSync(folder).map((file) => [join(folder, file), undefined] as const);
    expect(files.length).toBeGreaterThan(0);
    expect(typeCheck(new Map(files), { allowJs: true, checkJs: true, types: ['node'] })).toEqual([]);
  },
  60_000,
);
