import { firstValueFrom } from 'rxjs';
import { project } from 'rx-scrivener';
import { FileCheckpointStore, openFileScrivener } from 'rx-scrivener/file';
import { characters } from '../characters.mjs';
import { median } from '../compare.mjs';
import { largeJournal } from '../large-journal.mjs';

const COUNT = 1_000_000;
const filePath = await largeJournal(COUNT);
const checkpoints = new FileCheckpointStore(`${filePath}.json`);

export const what =
  'opening 1M entries, `retain: 10_000`, to the first state, from a checkpoint 1,000 entries before the end';
export const against = 'the opening alone';
export const atMost = 10;
export const unit = 'ms';
/** Milliseconds more, not times as many. */
export const difference = true;

/** The milliseconds until it is open, and until the first state: of one opening, since two differ by more than the state takes. */
async function open() {
  // The last state was saved: it starts 1,000 entries before the end again.
  await checkpoints.save({ position: COUNT - 1_000, state: 0 });
  globalThis.gc?.();
  const start = performance.now();
  const scrivener = await openFileScrivener({ filePath, retain: 10_000 });
  const opened = performance.now() - start;
  const { position } = await firstValueFrom(project(scrivener, characters, { checkpoints, every: COUNT }));
  const all = performance.now() - start;
  if (position !== COUNT) throw new Error(`Expected the state of ${COUNT} entries, got that of ${position}`);
  await scrivener.close();
  return { all, opened };
}

export async function run() {
  await open();
  const rounds = [];
  for (let round = 0; round < 9; round++) rounds.push(await open());
  const ratios = rounds.map(({ all, opened }) => all - opened);
  const [ours, theirs] = [median(rounds.map(({ all }) => all)), median(rounds.map(({ opened }) => opened))];
  return { ours, theirs, ratio: median(ratios), ratios };
}
