// Every row compares two things in one process of its own, interleaved: `npm run bench`, or `npm run bench -- append recovery`.
import { fork } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';

const ROWS = ['append', 'live-delivery', 'wait-for', 'iterate', 'recovery', 'memory'];

if (process.send) {
  const { run, what, against, atMost, unit, difference } = await import(`./rows/${process.argv[2]}.mjs`);
  process.send({ ...(await run()), what, against, atMost, unit, difference });
  process.disconnect();
} else {
  const wanted = process.argv.slice(2);
  const unknown = wanted.find((name) => !ROWS.includes(name));
  if (unknown) throw new Error(`No row "${unknown}", there are ${ROWS.join(', ')}`);
  const rows = [];
  for (const name of wanted.length > 0 ? wanted : ROWS) rows.push(await measure(name));
  print(rows);
  process.exitCode = rows.every(({ ratio, atMost }) => ratio <= atMost) ? 0 : 1;
}

function measure(name) {
  return new Promise((resolve, reject) => {
    process.stderr.write(`${name} …\n`);
    const child = fork(fileURLToPath(import.meta.url), [name], { execArgv: ['--expose-gc'] });
    child.once('message', resolve);
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code} and no figure`)));
  });
}

function print(rows) {
  console.log(
    `Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model.trim()}; medians of interleaved rounds\n`,
  );
  console.log('| what | ours | against | theirs | ratio | at most | ratios of the rounds |');
  console.log('| --- | --- | --- | --- | --- | --- | --- |');
  for (const { what, ours, against, theirs, ratio, ratios, atMost, unit, difference } of rows) {
    const figure = (value) => (difference ? `+${value.toFixed(1)}` : value.toFixed(2));
    const spread = `${figure(Math.min(...ratios))} to ${figure(Math.max(...ratios))}`;
    const limit = difference ? `+${atMost}` : `${atMost} x`;
    console.log(
      `| ${what} | ${ours.toFixed(0)} ${unit} | ${against} | ${theirs.toFixed(0)} ${unit} | ${figure(ratio)} | ${limit} | ${spread} |`,
    );
  }
  const missed = rows.filter(({ ratio, atMost }) => ratio > atMost);
  console.log(missed.length === 0 ? '\nAll within their limits.' : `\n${missed.length} over the limit.`);
}
