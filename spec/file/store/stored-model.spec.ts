import { rmSync } from 'node:fs';
import fc from 'fast-check';
import { openFileScrivener } from 'rx-scrivener/file';
import { FailingDisk } from '../support/failing-disk';
import { fileHandlePrototype } from '../support/file-handle';
import { command, options } from '../support/model-commands';
import { copyAsCrashed, expectLeft } from '../support/model-crash';
import { turns } from '../support/outcome';
import { StoredModel } from '../support/stored-model';
import { useTempDir } from '../support/temp-dir';

const path = useTempDir();

/** More of them find more: MODEL_RUNS=5000 npx jest spec/file/store/stored-model.spec.ts. MODEL_SEED repeats what failed. */
const RUNS = Number(process.env.MODEL_RUNS ?? 60);
const SEED = process.env.MODEL_SEED === undefined ? {} : { seed: Number(process.env.MODEL_SEED) };

test(
  'whatever a stored journal goes through, it reads as an array of which whole files are retired, and a crash leaves a beginning of it',
  async () => {
    let serial = 0;
    const disk = new FailingDisk(await fileHandlePrototype(path('probe')));
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 50, size: 'max' }), options, async (commands, options) => {
        const folder = path(`run-${++serial}`, 'journal');
        const open = (folder: string) =>
          openFileScrivener<string>({ filePath: `${folder}/journal.ndjson`, ...options });
        const model = new StoredModel(await open(folder), `${folder}/journal.ndjson`, options);
        const { readers } = model;
        let crashes = 0;
        try {
          for (const c of commands) {
            if (c.do === 'write') await model.write(c.lengths);
            else if (c.do === 'writeAll') await model.writeAll(c.lengths);
            else if (c.do === 'flush') {
              await model.flush();
              await model.holds();
            } else if (c.do === 'fail') await model.fail(disk, c);
            else if (c.do === 'turns') await turns(c.count);
            else if (c.do === 'subscribe') readers.subscribe(c.after);
            else if (c.do === 'iterate') readers.iterate(c.after);
            else if (c.do === 'next') await readers.next(c);
            else if (c.do === 'waitFor') readers.waitFor(c.after, c.position);
            else if (c.do === 'unsubscribe') readers.unsubscribe(c.which);
            else if (c.do === 'return') readers.return(c.which);
            else if (c.do === 'backward') await readers.backward(c.before, c.waits);
            else if (c.do === 'reopen') {
              await model.close();
              model.scrivener = await open(folder);
              const { entries, ...recovered } = model.scrivener.recovered;
              expect(recovered).toEqual({ lastPosition: model.head, truncatedBytes: 0 });
              model.segments.find(model.head - entries + 1);
              await model.holds();
            } else {
              const { flushed } = model.scrivener;
              const { first } = model.segments;
              const copied = copyAsCrashed(folder, `${folder}-crash-${++crashes}`, c.torn);
              const left = await open(copied);
              if (c.torn === 0) expect(left.recovered.lastPosition).toBeGreaterThanOrEqual(flushed);
              await expectLeft(left, model, first);
            }
            expect(model.scrivener.head).toBe(model.head);
            readers.expectSoFar();
          }
          await model.close();
          model.scrivener = await open(folder);
          await model.holds();
        } finally {
          disk.mend();
          await model.dispose();
          rmSync(path(`run-${serial}`), { recursive: true });
        }
      }),
      { numRuns: RUNS, timeout: 20_000, ...SEED },
    );
  },
  30_000 + RUNS * 500,
);
