// Draws docs/patterns/*.svg from docs/patterns/marbles.json, whose marbles spec/docs/patterns-marbles.spec.ts plays.
// `node scripts/marbles.mjs` writes them, `--check` names those that are not what it would write.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../docs/patterns/', import.meta.url));

const FRAME = 32;
const RADIUS = 13;
const ROW = 52;
const LABEL = 150;
const MARGIN = 16;
/** Light enough for dark letters, told apart also by those who see no red or green. */
const FILLS = ['#9ecbff', '#ffd58a', '#a8e0c0', '#f3b6d3', '#d5c4f7', '#cfd6dd'];

const STYLE = `
    .paper { fill: #ffffff; } .ink { fill: #1f2328; } .dim { fill: #59636e; }
    .line { stroke: #59636e; stroke-width: 1.5; fill: none; } .box { fill: #f6f8fa; stroke: #d1d9e0; }
    .mark { stroke: #1f2328; stroke-width: 1.5; } .letter { fill: #1f2328; font-weight: 600; text-anchor: middle; }
    .end { stroke: #1f2328; stroke-width: 2; } .error { stroke: #d1242f; stroke-width: 3; }
    text { font: 14px system-ui, sans-serif; } .code { font: 13px ui-monospace, monospace; text-anchor: middle; }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #0d1117; } .ink { fill: #e6edf3; } .dim { fill: #9198a1; }
      .line { stroke: #9198a1; } .box { fill: #151b23; stroke: #3d444d; }
      .mark { stroke: #e6edf3; } .end { stroke: #e6edf3; } .error { stroke: #f85149; }
    }`;

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** The notifications of RxJS marbles, each with its frame and its place among those of the same frame. */
function parse(marbles) {
  const notifications = [];
  let group;
  let column = 0;
  for (const mark of marbles) {
    if (mark === '(') group = { frame: column, count: 0 };
    else if (mark === ')') group = undefined;
    else if (mark !== '-') {
      const kind = mark === '|' ? 'complete' : mark === '#' ? 'error' : 'next';
      notifications.push({ kind, mark, frame: group?.frame ?? column, place: group ? group.count++ : 0 });
    }
    column++;
  }
  return notifications;
}

function drawing({ marks, rows }) {
  const frames = Math.max(...rows.map(({ marbles }) => marbles?.length ?? 0));
  const width = MARGIN + LABEL + frames * FRAME + MARGIN;
  const x = (frame, place = 0) => MARGIN + LABEL + (frame + 0.5) * FRAME + place * RADIUS * 2;
  const letters = Object.keys(marks);
  const circle = (mark, cx, cy) =>
    `<circle class="mark" cx="${cx}" cy="${cy}" r="${RADIUS}" fill="${FILLS[letters.indexOf(mark) % FILLS.length]}"/>` +
    `<text class="letter" x="${cx}" y="${cy + 5}">${mark}</text>`;

  let top = MARGIN / 2;
  const parts = rows.map(({ label, marbles, operator }) => {
    const y = top + ROW / 2;
    top += ROW;
    if (operator) {
      const box = `<rect class="box" x="${MARGIN}" y="${y - 17}" width="${width - 2 * MARGIN}" height="34" rx="6"/>`;
      return `${box}<text class="ink code" x="${width / 2}" y="${y + 5}">${escape(operator)}</text>`;
    }
    const notifications = parse(marbles);
    const last = notifications.at(-1);
    const ended = last !== undefined && last.kind !== 'next';
    const end = ended ? x(last.frame, last.place) : x(frames - 1) + FRAME / 2;
    const arrow = ended ? '' : `<path class="line" d="M${end - 6} ${y - 5} L${end} ${y} L${end - 6} ${y + 5}"/>`;
    const drawn = notifications.map(({ kind, mark, frame, place }) => {
      const cx = x(frame, place);
      if (kind === 'next') return circle(mark, cx, y);
      if (kind === 'complete') return `<path class="end" d="M${cx} ${y - 16} V${y + 16}"/>`;
      return `<path class="error" d="M${cx - 9} ${y - 9} L${cx + 9} ${y + 9} M${cx + 9} ${y - 9} L${cx - 9} ${y + 9}"/>`;
    });
    const text = `<text class="ink" x="${MARGIN}" y="${y + 5}">${escape(label)}</text>`;
    return `${text}<path class="line" d="M${MARGIN + LABEL} ${y} H${end}"/>${arrow}${drawn.join('')}`;
  });

  // As many to a line as fit; a letter is about 7.2 wide.
  let left = MARGIN + RADIUS;
  top += 18;
  const legend = letters.map((mark) => {
    const needed = 2 * RADIUS + 8 + marks[mark].length * 7.2 + 20;
    if (left + needed > width) {
      left = MARGIN + RADIUS;
      top += 34;
    }
    const item = `${circle(mark, left, top)}<text class="dim" x="${left + RADIUS + 6}" y="${top + 5}">${escape(marks[mark])}</text>`;
    left = Math.round(left + needed);
    return item;
  });
  const height = top + 26;

  const told = rows.map(({ label, marbles, operator }) => operator ?? `${label} ${marbles}`).join('; ');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
  <title>${escape(told)}</title>
  <style>${STYLE}
  </style>
  <rect class="paper" width="${width}" height="${height}" rx="8"/>
${[...parts, ...legend].map((part) => `  <g>${part}</g>`).join('\n')}
</svg>
`;
}

const diagrams = JSON.parse(readFileSync(join(folder, 'marbles.json'), 'utf8'));
const wanted = new Map(Object.entries(diagrams).map(([name, diagram]) => [`${name}.svg`, drawing(diagram)]));

if (process.argv.includes('--check')) {
  const present = readdirSync(folder).filter((file) => file.endsWith('.svg'));
  const wrong = [...new Set([...present, ...wanted.keys()])].filter((file) => {
    const path = join(folder, file);
    return !existsSync(path) || readFileSync(path, 'utf8') !== wanted.get(file);
  });
  for (const file of wrong) console.error(`docs/patterns/${file} is not what scripts/marbles.mjs draws: run it`);
  process.exitCode = wrong.length > 0 ? 1 : 0;
} else {
  for (const [file, svg] of wanted) writeFileSync(join(folder, file), svg);
}
