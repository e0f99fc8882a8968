// Every row compares two things in one process of its own, interleaved: `npm run bench`, or `npm run bench -- append recovery`.
// `peers` are the rows against other packages: `npm run bench -- peers`, one of them `npm run bench -- append/pino`.
// `npm run bench -- --readme` writes all of it into the README.
import { fork } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { hasNatsServer } from './nats-server.mjs';
import { isMissing, PEERS } from './peers.mjs';
import { SHAPES } from './shapes.mjs';

const OWN_ROWS = [
  ...Object.keys(SHAPES).map((shape) => `append/${shape}`),
  'live-delivery',
  'wait-for',
  'iterate',
  'recovery',
  'open',
  'tail-file',
  'consume',
  'project-memory',
  'project-file',
  'project-checkpoint',
  'memory',
  'file-memory',
  'nats-write',
  'nats-tail',
  'http-fan-out',
  'remote-tail',
  'remote-backward',
  ...['lone', 'in-flight', 'one-process', 'takeover'].map((what) => `shared/${what}`),
];
const PEER_ROWS = [
  ...PEERS.map((peer) => `append/${peer}`),
  'append-disk/better-sqlite3',
  'shared/better-sqlite3',
  'live-delivery/rxjs-9',
  ...['append', 'catch-up', 'fan-out'].map((what) => `streams/${what}`),
];
const ROWS = [...OWN_ROWS, ...PEER_ROWS];

/** The other package of a row, if it is one against another. */
function peerOf(name) {
  if (name.startsWith('streams/')) return '@durable-streams/server';
  return PEER_ROWS.includes(name) ? name.split('/')[1] : undefined;
}
/** `append` is all rows of that file but those against other packages, `peers` all of these. */
const rowsOf = (name) =>
  name === 'peers'
    ? PEER_ROWS
    : ROWS.filter((row) => row === name || (OWN_ROWS.includes(row) && row.startsWith(`${name}/`)));
/** What has to be installed for a row, if it is not. */
function missingFor(name) {
  if (name.startsWith('nats-') && !hasNatsServer()) return 'nats-server (apt-get install nats-server)';
  return isMissing(peerOf(name)) ? `${peerOf(name)} (npm ci --prefix bench/peers)` : undefined;
}

if (process.send) {
  const [file, variant] = process.argv[2].split('/');
  const row = await import(`./rows/${file}.mjs`);
  const { run, ...texts } = variant === undefined ? row : await row.rowOf(variant);
  const { what, against, atMost, unit, difference, absolute } = texts;
  const figures = await run().catch((error) => {
    // Native code is built for one Node.
    if (error.code === 'ERR_DLOPEN_FAILED')
      return { missing: `${variant} for Node ${process.version} (npm ci --prefix bench/peers)` };
    throw error;
  });
  process.send({ ...figures, what, against, atMost, unit, difference, absolute });
  process.disconnect();
} else {
  const args = process.argv.slice(2);
  const names = args.filter((arg) => arg !== '--readme');
  const unknown = names.find((name) => rowsOf(name).length === 0);
  if (unknown) throw new Error(`No row "${unknown}", there are ${ROWS.join(', ')}`);
  const asked = names.flatMap(rowsOf);
  const rows = [];
  const leftOut = new Map();
  for (const name of asked.length > 0 ? asked : ROWS) {
    const missing = missingFor(name);
    const row = missing === undefined ? await measure(name) : { missing };
    if (row.missing === undefined) rows.push(row);
    else leftOut.set(name, row.missing);
  }
  const text = rows.length > 0 ? tableOf(rows) : '';
  console.log(text);
  if (leftOut.size > 0) {
    const missing = [...new Set(leftOut.values())].join(', ');
    console.log(`\nNot installed: ${missing}. Left out: ${[...leftOut.keys()].join(', ')}.`);
  }
  if (args.includes('--readme')) writeReadme(text);
  const complete = asked.length === 0 || leftOut.size === 0;
  process.exitCode = complete && rows.every(({ ratio, atMost }) => ratio <= atMost) ? 0 : 1;
}

function measure(name) {
  return new Promise((resolve, reject) => {
    process.stderr.write(`${name} …\n`);
    const child = fork(fileURLToPath(import.meta.url), [name], { execArgv: ['--expose-gc'] });
    child.once('message', resolve);
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code} and no figure`)));
  });
}

function tableOf(rows) {
  const lines = [
    `Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model.trim()}; medians of interleaved rounds`,
    '',
    '| what | ours | against | theirs | ratio | at most | ratios of the rounds |',
    '| --- | --- | --- | --- | --- | --- | --- |',
  ];
  for (const { what, ours, against, theirs, ratio, ratios, atMost, unit, difference, absolute } of rows) {
    const figure = (value) => (absolute ? value.toFixed(0) : difference ? `+${value.toFixed(1)}` : value.toFixed(2));
    const spread = `${figure(Math.min(...ratios))} to ${figure(Math.max(...ratios))}`;
    const shown = ratio > atMost ? `**${figure(ratio)}**` : figure(ratio);
    const limit = absolute ? `${atMost} ${unit}` : difference ? `+${atMost}` : `${atMost} x`;
    lines.push(
      `| ${what} | ${ours.toFixed(0)} ${unit} | ${against} | ${theirs.toFixed(0)} ${unit} | ${shown} | ${limit} | ${spread} |`,
    );
  }
  const missed = rows.filter(({ ratio, atMost }) => ratio > atMost);
  lines.push('', missed.length === 0 ? 'All within their limits.' : `${missed.length} over the limit, in bold.`);
  return lines.join('\n');
}

function writeReadme(text) {
  const readme = new URL('../README.md', import.meta.url);
  const [start, end] = ['<!-- bench:start -->', '<!-- bench:end -->'];
  const page = readFileSync(readme, 'utf8');
  writeFileSync(readme, `${page.split(start)[0]}${start}\n\n${text}\n\n${end}${page.split(end)[1]}`);
}
