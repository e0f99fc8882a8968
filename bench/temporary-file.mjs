import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const directory = mkdtempSync(join(tmpdir(), 'rx-scrivener-bench-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
let count = 0;

/** A path that nothing stands at. */
export function temporaryFile() {
  return join(directory, `${++count}.ndjson`);
}
