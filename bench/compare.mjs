/**
 * Runs two things in turn, A B A B …, and compares them round by round, so that a machine whose speed drifts slows both.
 *
 * @param {{ rounds?: number, warmUps?: number, ours: () => Promise<number>, theirs: () => Promise<number>,
 *   difference?: boolean }} options each gives the nanoseconds (or bytes) of one round; `difference`: how much more, not how many times as much
 * @returns {Promise<{ ours: number, theirs: number, ratio: number, ratios: number[] }>} medians
 */
export async function compare({ rounds = 9, warmUps = 2, ours, theirs, difference = false }) {
  const figures = { ours: [], theirs: [], ratios: [] };
  for (let round = -warmUps; round < rounds; round++) {
    const [first, second] = round % 2 === 0 ? [ours, theirs] : [theirs, ours];
    const a = await first();
    const b = await second();
    const [our, their] = first === ours ? [a, b] : [b, a];
    if (round < 0) continue;
    figures.ours.push(our);
    figures.theirs.push(their);
    figures.ratios.push(difference ? our - their : our / their);
  }
  return {
    ours: median(figures.ours),
    theirs: median(figures.theirs),
    ratio: median(figures.ratios),
    ratios: figures.ratios,
  };
}

/** The nanoseconds that one of `count` steps took. */
export async function perStep(count, run) {
  globalThis.gc?.();
  const start = process.hrtime.bigint();
  await run();
  return Number(process.hrtime.bigint() - start) / count;
}

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
