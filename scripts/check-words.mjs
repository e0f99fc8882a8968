// Finds again, in what people read (guides, and the comments and texts of lib/), the phrases that the table "Words" in CONTRIBUTING.md has better ones for.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const read = (file) => readFileSync(join(root, file), 'utf8');
const under = (folder) => readdirSync(join(root, folder), { recursive: true }).map((file) => `${folder}/${file}`);

const words = read('CONTRIBUTING.md').split('## Words')[1].split('\n## ')[0];
const rows = [...words.matchAll(/^\| `(.*?)` +\|[^|]*\| (.*?) *\|$/gm)];
if (rows.length === 0) throw new Error('Expected CONTRIBUTING.md to have a table "Words"');
const fine = rows.flatMap(([, , but]) => [...but.matchAll(/`(.*?)`/g)].map(([, text]) => text));
// `…` stands for words in between.
const phrase = (text) => `\\b${text.replace(' … ', '\\b[^.;]*\\b')}\\b`;
const allowed = new RegExp(fine.map(phrase).join('|'), 'gi');
const found = new RegExp(rows.flatMap(([, texts]) => texts.split('`, `').map(phrase)).join('|'), 'gi');

const guides = ['README.md', 'SECURITY.md', 'CONTRIBUTING.md', ...under('docs')].filter(
  (file) => file.endsWith('.md') && !/api/.test(file),
);
const sources = under('lib').filter((file) => /\.tsx?$/.test(file));
/** What a line of a source tells people: its comment, and its texts of several words. */
const prose = (line) => {
  const comment = /^\s*(?:\/\/|\/?\*).*|\s\/\/ .*/.exec(line)?.[0];
  return comment ?? [...line.matchAll(/'[^'\n]* [^'\n]*'|`[^`\n]* [^`\n]*`/g)].join(' ');
};

const complaints = [...guides, ...sources].flatMap((file) => {
  const isGuide = file.endsWith('.md');
  const text = file === 'CONTRIBUTING.md' ? read(file).replace(words, words.replace(/[^\n]/g, '')) : read(file);
  return text.split('\n').flatMap((line, index) => {
    const said = (isGuide ? line : prose(line)).replace(allowed, '').match(found) ?? [];
    return said.map((what) => `${file}:${index + 1}: "${what}"`);
  });
});
if (complaints.length > 0) {
  console.error(`${complaints.join('\n')}\nCONTRIBUTING.md, "Words", has better ones.`);
  process.exitCode = 1;
}
