import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { InstalledPackage, ROOT } from '../examples/installed-package';
import { runNode } from '../examples/run-node';
import { codeBlocks } from './markdown';

const SETUP = `
import { metrics as api } from '@opentelemetry/api';
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { openFileScrivener } from 'rx-scrivener/file';

const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({ exporter });
api.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
const scrivener = await openFileScrivener({ filePath: 'talk.ndjson', flushIntervalMs: Infinity });
`;
const TALK = `
for (const text of ['one', 'two', 'three']) await scrivener.write(text);
await scrivener.flush();
await scrivener.write('four');
await reader.forceFlush();
for (const { descriptor, dataPoints } of exporter.getMetrics()[0].scopeMetrics[0].metrics) {
  const [{ value, attributes }] = dataPoints;
  console.log(descriptor.name, descriptor.unit, typeof value === 'object' ? value.count : value, Object.keys(attributes).join());
}
await scrivener.close();
await reader.shutdown();
`;

const installed = new InstalledPackage(['.', './file'], ['@opentelemetry/api', '@opentelemetry/sdk-metrics']);
afterAll(() => installed.remove());

test('the OpenTelemetry recipe counts what is flushed', async () => {
  const page = readFileSync(join(ROOT, 'docs/observability.md'), 'utf8');
  const recipe = codeBlocks(page).find(({ info }) => info === 'recipe')!;
  const cwd = installed.newFolder();
  const { outputText } = ts.transpileModule(SETUP + recipe.text + TALK, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  writeFileSync(join(cwd, 'recipe.mjs'), outputText);
  expect(await runNode(['recipe.mjs'], cwd)).toEqual({
    code: 0,
    signal: null,
    stderr: '',
    stdout: [
      'scrivener.flushed.entries  3 filePath',
      'scrivener.flush.duration ms 1 filePath',
      'scrivener.lag  1 ',
      '',
    ].join('\n'),
  });
}, 30_000);
