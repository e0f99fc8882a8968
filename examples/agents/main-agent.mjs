// The main agent: `node examples/agents/main-agent.mjs`. Hands each question to both subagents, and answers when both have reported.
// @ts-check
import { filter, lastValueFrom, map, takeWhile, toArray } from 'rxjs';
import { END, isType } from 'rx-scrivener';
import { handleEach, openJournal, writeUnlessThere } from './journal.mjs';

const SUBAGENTS = ['counter', 'shouter'];
const journal = await openJournal();

await handleEach(journal, 'main-agent', async ({ position, entry }) => {
  if (entry.type === 'Asked') {
    for (const to of SUBAGENTS) {
      const task = /** @type {const} */ ({ type: 'Delegated', question: position, to, text: entry.text });
      await writeUnlessThere(
        journal,
        task,
        (other) => other.type === 'Delegated' && other.question === position && other.to === to,
      );
    }
  } else if (entry.type === 'Reported') {
    const { question } = entry;
    const reports = await reportsOn(question);
    if (reports.length < SUBAGENTS.length) return;
    const answer = /** @type {const} */ ({ type: 'Answered', question, text: reports.sort().join('; ') });
    await writeUnlessThere(journal, answer, (other) => other.type === 'Answered' && other.question === question);
  }
});

/** @param {number} question */
async function reportsOn(question) {
  const since = journal.readBackward(END, { match: isType('Reported') });
  const reports$ = since.pipe(
    takeWhile(({ position }) => position > question),
    filter(({ entry }) => entry.question === question),
    map(({ entry }) => `${entry.by}: ${entry.text}`),
    toArray(),
  );
  return lastValueFrom(reports$);
}
