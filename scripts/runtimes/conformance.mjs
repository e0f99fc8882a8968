import { scrivenerConformance } from 'rx-scrivener/testing';

/** What is sent ahead does not fall behind as soon. */
export const SENT_AHEAD = ['retain: an iteration that falls behind rejects with PositionTrimmedError, once'];

/** Runs the suite's cases one after the other, with a runner of its own: not every runtime has one. Resolves with how many there were. */
export async function conformance(create, supports, leftOut = []) {
  const cases = [];
  scrivenerConformance({ test: (name, run) => cases.push({ name, run }), create, supports, timeoutMs: 20_000 });
  const wanted = cases.filter(({ name }) => !leftOut.includes(name));
  const errors = [];
  for (const { name, run } of wanted) await run().catch((error) => errors.push(new Error(name, { cause: error })));
  if (errors.length > 0) throw new AggregateError(errors, `${errors.length} of ${wanted.length} cases`);
  return wanted.length;
}
