// Opens a journal: `holder.mjs FILE` writes entries, says `open`, and holds it until it is killed; `holder.mjs FILE try` prints what opening it came to.
import { openFileScrivener } from 'rx-scrivener/file';

const [filePath, mode] = process.argv.slice(2);
try {
  const scrivener = await openFileScrivener({ filePath });
  if (mode === 'try') {
    console.log(`head ${scrivener.head}`);
    await scrivener.close();
  } else {
    for (let n = 1; n <= 100; n++) scrivener.append({ type: 'Held', n });
    await scrivener.flush();
    console.log('open');
    setInterval(() => {}, 1_000);
  }
} catch (error) {
  console.log(error.code);
}
