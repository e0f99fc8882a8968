// A subagent: `node examples/agents/subagent.mjs counter`, or `shouter`. Works on what it is handed, and reports.
// @ts-check
import { handleEach, openJournal, writeUnlessThere } from './journal.mjs';

/** @type {Record<string, (text: string) => string>} */
const WORK = {
  counter: (text) => `${text.split(/\s+/).length} words`,
  shouter: (text) => text.toUpperCase(),
};
const [by = ''] = process.argv.slice(2);
const work = WORK[by];
if (!work) throw new Error(`Expected one of ${Object.keys(WORK).join(', ')}`);
const journal = await openJournal();

await handleEach(journal, by, async ({ entry }) => {
  if (entry.type !== 'Delegated' || entry.to !== by) return;
  const { question, text } = entry;
  const report = /** @type {const} */ ({ type: 'Reported', question, by, text: work(text) });
  await writeUnlessThere(
    journal,
    report,
    (other) => other.type === 'Reported' && other.question === question && other.by === by,
  );
});
