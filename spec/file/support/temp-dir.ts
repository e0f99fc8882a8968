import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Gives paths in a directory that each test has to itself and that is gone after it. */
export function useTempDir(): (...names: string[]) => string {
  let dir = '';
  beforeEach(() => {
    dir = realpathSync(mkdtempSync(join(tmpdir(), 'rx-scrivener-')));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  return (...names) => join(dir, ...names);
}
