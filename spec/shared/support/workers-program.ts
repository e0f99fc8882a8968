// What ways.spec.ts runs: a process that has the journal open, and so have its workers.
import cluster from 'node:cluster';
import { EventEmitter } from 'node:events';
import { createInterface } from 'node:readline';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { openSharedScrivener } from 'rx-scrivener/shared';

const [filePath = '', kind = '', count = '0'] = process.argv.slice(2);
const say = (...words: unknown[]) => process.stdout.write(words.join(' ') + '\n');

/** Says each entry that it reads, and writes one whenever it is told to. */
async function share(who: string, onCommand: (listener: (command: unknown) => void) => void): Promise<void> {
  const scrivener = await openSharedScrivener<string>({ filePath: filePath || (workerData as string) });
  scrivener.role$.subscribe((role) => say('role', who, role, process.pid));
  scrivener.tail().subscribe(({ position, entry }) => say('saw', who, position, entry));
  onCommand((command) => {
    void scrivener.write(`${who}.${String(command)}`).then(
      (position) => say('acknowledged', who, position),
      (error: unknown) => say('rejected', who, String(error)),
    );
  });
}

interface Child {
  tell(command: string): void;
  terminate(): void;
}

function startThread(n: number): Child {
  const worker = new Worker(__filename, { workerData: filePath, argv: [filePath, `thread${n}`] });
  worker.on('error', (error) => say('failed', String(error)));
  return { tell: (command) => worker.postMessage(command), terminate: () => void worker.terminate() };
}

function startWorker(n: number): Child {
  const worker = cluster.fork({ WORKER: `worker${n}` });
  // One that is gone is told nothing.
  return { tell: (command) => void worker.send(command, () => undefined), terminate: () => worker.kill() };
}

function main(): void {
  const children = Array.from({ length: Number(count) }, (_, n) =>
    kind === 'cluster' ? startWorker(n) : startThread(n),
  );
  const own = new EventEmitter();
  // `open` it here, `write TEXT` everywhere, `terminate N`, one of the others.
  createInterface({ input: process.stdin }).on('line', (line) => {
    const [word, text = ''] = line.split(' ');
    if (word === 'open') void share('main', (listener) => own.on('command', listener));
    else if (word === 'terminate') children[Number(text)]!.terminate();
    else {
      own.emit('command', text);
      for (const child of children) child.tell(text);
    }
  });
}

if (!isMainThread) void share(kind, (listener) => parentPort!.on('message', listener));
else if (cluster.isWorker) void share(process.env.WORKER!, (listener) => process.on('message', listener));
else main();
