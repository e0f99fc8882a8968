// Compares each entry's public API, as built, with docs/api-report/<entry>.api.md. With --update it rewrites the reports.
import { mkdirSync } from 'node:fs';
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';
import { entries } from './entries.mjs';

const update = process.argv.includes('--update');
const root = new URL('..', import.meta.url).pathname;
mkdirSync(`${root}docs/api-report`, { recursive: true });

for (const { name, output } of entries) {
  const config = ExtractorConfig.prepare({
    packageJsonFullPath: `${root}package.json`,
    configObjectFullPath: undefined,
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: `${root}dist/${output}.d.ts`,
      compiler: {
        overrideTsconfig: {
          extends: './tsconfig.build.json',
          compilerOptions: { skipLibCheck: true },
          include: [],
          files: [`dist/${output}.d.ts`],
        },
      },
      apiReport: {
        enabled: true,
        reportFolder: `${root}docs/api-report`,
        reportTempFolder: `${root}temp`,
        reportFileName: `${name || 'core'}.api.md`,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: 'lf',
      messages: {
        extractorMessageReporting: {
          default: { logLevel: 'warning', addToApiReportFile: true },
          'ae-missing-release-tag': { logLevel: 'none' },
          // The report marks these in place; as a warning it would carry a line number, which changes all the time.
          'ae-undocumented': { logLevel: 'none' },
          'ae-unresolved-link': { logLevel: 'none' },
        },
        tsdocMessageReporting: { default: { logLevel: 'none' } },
      },
    },
  });
  const { apiReportChanged, succeeded } = Extractor.invoke(config, {
    localBuild: update,
    messageCallback: (message) => {
      if (['console-preamble', 'console-compiler-version-notice'].includes(message.messageId)) message.handled = true;
    },
  });
  if (!succeeded) process.exitCode = 1;
  if (update) console.log(`${name || 'core'}: ${apiReportChanged ? 'updated' : 'unchanged'}`);
  else if (apiReportChanged) console.error(`${name || 'core'}: the API changed. If on purpose: npm run api`);
  else console.log(`${name || 'core'}: as reported`);
}
