import { dirname, join } from 'node:path';
import ts from 'typescript';

const ROOT = join(__dirname, '../..');

/**
 * The complaints of the type checker about files, each as `path:line: message`, with the options of `tsconfig.json`, which has the
 * package's names mapped to `lib/`.
 *
 * @param files - by path; those that are not on the disk with their text
 */
export function typeCheck(files: ReadonlyMap<string, string | undefined>, options: ts.CompilerOptions = {}): string[] {
  const path = join(ROOT, 'tsconfig.json');
  const { config } = ts.readConfigFile(path, (file) => ts.sys.readFile(file)) as { config: unknown };
  const compilerOptions = {
    ...ts.parseJsonConfigFileContent(config, { ...ts.sys, readDirectory: () => [] }, dirname(path), undefined, path)
      .options,
    skipLibCheck: true,
    ...options,
  };
  const host = ts.createCompilerHost(compilerOptions);
  const onDisk = { fileExists: host.fileExists.bind(host), readFile: host.readFile.bind(host) };
  host.fileExists = (file) => files.get(file) !== undefined || onDisk.fileExists(file);
  host.readFile = (file) => files.get(file) ?? onDisk.readFile(file);
  host.getSourceFile = (file, languageVersion) => {
    const text = host.readFile(file);
    return text === undefined ? undefined : ts.createSourceFile(file, text, languageVersion);
  };

  const program = ts.createProgram(
    [join(ROOT, 'types/fs-native-extensions.d.ts'), ...files.keys()],
    compilerOptions,
    host,
  );
  // What is wrong elsewhere, in lib/ for one, is not about these files.
  const semantic = [...files.keys()].flatMap((file) => program.getSemanticDiagnostics(program.getSourceFile(file)));
  const syntax = [...files.keys()].flatMap((file) => program.getSyntacticDiagnostics(program.getSourceFile(file)));
  return [...program.getOptionsDiagnostics(), ...syntax, ...semantic].map(({ file, start = 0, messageText }) => {
    const message = ts.flattenDiagnosticMessageText(messageText, '\n');
    if (file === undefined) return message;
    return `${file.fileName}:${file.getLineAndCharacterOfPosition(start).line + 1}: ${message}`;
  });
}
