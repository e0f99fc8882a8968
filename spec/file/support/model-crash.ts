import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync } from 'node:fs';
import type { FileScrivener } from 'rx-scrivener/file';
import { show, showEnd } from './model-readers';
import { outcomeOf } from './outcome';
import type { StoredModel } from './stored-model';

/**
 * What a crash leaves of a journal's folder: of what was written last, so many bytes may not have come as far as the disk. What is on record was synced
 * before.
 */
export function copyAsCrashed(folder: string, to: string, torn: number): string {
  const copied = copy(folder, to);
  const active = `${copied}/journal.ndjson`;
  if (existsSync(active)) truncateSync(active, Math.max(bytesOnRecord(active), statSync(active).size - torn));
  return copied;
}

function bytesOnRecord(active: string): number {
  const record = `${active}.segments`;
  if (!existsSync(record)) return 0;
  const { last } = JSON.parse(readFileSync(record, 'utf8')) as { last: number };
  let bytes = 0;
  for (const line of readFileSync(active, 'utf8').split('\n').slice(0, -1)) {
    if (Number(/"position":(\d+)/.exec(line)![1]) <= last) bytes += Buffer.byteLength(line) + 1;
  }
  return bytes;
}

/** What a crash has left, when `least` was the model's first position, holds the model's entries up to the end of one or of a group, and can be gone on with. */
export async function expectLeft(left: FileScrivener<string>, model: StoredModel, least: number): Promise<void> {
  try {
    const { entries, lastPosition: last } = left.recovered;
    const first = last - entries + 1;
    expect(last).toBeLessThanOrEqual(model.head);
    expect(model.ends).toContain(last);
    model.segments.find(first, least);
    const found = await outcomeOf(left.readBackward());
    expect(found.values.reverse().map(show)).toEqual(model.show(first, last));

    expect(await left.writeAll(['ü', 'ä'])).toEqual([last + 1, last + 2]);
    await left.flush();
    const { values, error } = await outcomeOf(left.readBackward());
    const oldest = left.head + 1 - values.length;
    expect([oldest >= first, oldest <= last + 1]).toEqual([true, true]);
    expect(showEnd(error)).toBe(oldest === 1 ? 'done' : `trimmed ${oldest - 1} ${oldest}`);
    expect(values.reverse().map(show)).toEqual([
      ...model.show(oldest, last),
      show({ position: last + 1, entry: 'ü' }),
      show({ position: last + 2, entry: 'ä' }),
    ]);
  } finally {
    await left.close();
  }
}

/** Copies a folder as it is at one moment; returns where to. */
function copy(from: string, to: string): string {
  const state = () =>
    JSON.stringify(
      readdirSync(from).map((name) => {
        const { ino, size, mtimeNs } = statSync(`${from}/${name}`, { bigint: true });
        return [name, ino, size, mtimeNs].map(String);
      }),
    );
  for (;;) {
    try {
      const before = state();
      mkdirSync(to);
      for (const name of readdirSync(from)) copyFileSync(`${from}/${name}`, `${to}/${name}`);
      if (state() === before && readdirSync(to).length === readdirSync(from).length) return to;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    to += '-';
  }
}
