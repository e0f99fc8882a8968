import { firstValueFrom } from 'rxjs';
import { project } from 'rx-scrivener';
import { FileCheckpointStore, openFileScrivener } from 'rx-scrivener/file';
import { characters } from '../characters.mjs';
import { compare, perStep } from '../compare.mjs';
import { largeJournal } from '../large-journal.mjs';

const COUNT = 1_000_000;
const NS_PER_MS = 1_000_000;
const filePath = await largeJournal(COUNT);
const checkpoints = new FileCheckpointStore(`${filePath}.json`);
await checkpoints.save({ position: COUNT - 1_000, state: 0 });

export const what =
  'opening 1M entries, `retain: 10_000`, to the first state, from a checkpoint 1,000 entries before the end';
export const against = 'the opening alone';
export const atMost = 10;
export const unit = 'ms';
/** Milliseconds more, not times as many. */
export const difference = true;

async function open(read) {
  let scrivener;
  const figure = await perStep(NS_PER_MS, async () => {
    scrivener = await openFileScrivener({ filePath, retain: 10_000 });
    await read?.(scrivener);
  });
  await scrivener.close();
  return figure;
}

const firstState = async (scrivener) => {
  const { position } = await firstValueFrom(project(scrivener, characters, { checkpoints, every: COUNT }));
  if (position !== COUNT) throw new Error(`Expected the state of ${COUNT} entries, got that of ${position}`);
};
/** The last state is saved after the stream is left: the next round starts 1,000 entries before the end again. */
const before = () => checkpoints.save({ position: COUNT - 1_000, state: 0 });

export const run = async () => {
  const figures = await compare({
    rounds: 5,
    warmUps: 1,
    ours: () => before().then(() => open(firstState)),
    theirs: () => open(),
  });
  const ratios = figures.ratios.map((ratio) => (ratio - 1) * figures.theirs);
  return { ...figures, ratio: figures.ours - figures.theirs, ratios };
};
