// The view: `node examples/agents/view.mjs`. Shows the journal as it grows; each line that is typed is a question.
// @ts-check
import { createInterface } from 'node:readline';
import { openJournal, stop$ } from './journal.mjs';

const journal = await openJournal();
stop$.subscribe(() => journal.close());
journal.tail().subscribe({
  next: ({ position, entry }) => console.log(`#${position} ${shown(entry)}`),
  complete: () => process.stdin.destroy(),
});
journal.role$.subscribe((role) => role === 'holder' && console.log('(this process has the file now)'));

createInterface({ input: process.stdin }).on('line', (line) => {
  const text = line.trim();
  if (text !== '') journal.write({ type: 'Asked', text }).catch((error) => console.error(`${error.message}: ${text}`));
});

/** @param {import('./journal.mjs').Entry} entry */
function shown(entry) {
  switch (entry.type) {
    case 'Asked':
      return `you: ${entry.text}`;
    case 'Delegated':
      return `main agent, to the ${entry.to}: #${entry.question}`;
    case 'Reported':
      return `${entry.by}, on #${entry.question}: ${entry.text}`;
    case 'Answered':
      return `main agent, answers #${entry.question}: ${entry.text}`;
  }
}
