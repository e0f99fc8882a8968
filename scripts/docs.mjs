// Writes the API reference, with the README and the guides, to docs/api. A link that leads nowhere fails it.
import { Application, Converter, ReflectionKind } from 'typedoc';
import { entries, pkg } from './entries.mjs';

const app = await Application.bootstrap({
  name: pkg.name,
  includeVersion: true,
  tsconfig: 'tsconfig.build.json',
  entryPoints: entries.map(({ source }) => source),
  readme: 'README.md',
  projectDocuments: ['docs/*.md', 'docs/patterns/*.md', 'CONTRIBUTING.md'],
  out: 'docs/api',
  excludeExternals: true,
  excludeInternal: true,
  disableSources: true,
  externalSymbolLinkMappings: { rxjs: { '*': 'https://rxjs.dev/api' } },
  validation: { notDocumented: true },
  // Not 'Function': it would ask it of every overload.
  requiredToBeDocumented: ['Class', 'Interface', 'TypeAlias', 'Variable'],
});

app.options.setValue('highlightLanguages', [...app.options.getValue('highlightLanguages'), 'mermaid']);

// A module is called what users import, a guide what its heading says.
app.converter.on(Converter.EVENT_CREATE_DECLARATION, (_, reflection) => {
  if (!reflection.kindOf(ReflectionKind.Module)) return;
  reflection.name = entries.find(({ name }) => (name || 'index') === reflection.name).specifier;
});
app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_, document) => {
  document.name = /^# (.*)$/m.exec(document.content[0].text)[1];
});

// A {@link} may name an export of any entry, imported or not.
app.converter.addUnknownSymbolResolver(({ symbolReference }, { project }, part) => {
  if (!part || !symbolReference?.path) return;
  const names = symbolReference.path.map(({ path }) => path);
  const target = project.children.map((module) => module.getChildByName(names)).find(Boolean);
  return target && { target };
});

const project = await app.convert();
if (project) {
  app.validate(project);
  await app.generateOutputs(project);
}
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exitCode = 1;
