import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { cat, type CatOptions } from './cat';
import { describeError } from './terminal/describe-error';
import { importJournal } from './import-journal';
import type { ImportLinesOptions } from './import-lines';
import { printable } from './terminal/wording';
import { repair, type RepairOptions } from './repair';
import { describeSideFile } from './reading/side-file';
import { stats, type StatsOptions } from './stats';
import { tail, type TailOptions } from './tail';
import type { Terminal } from './terminal/terminal';
import { verify, type VerifyOptions } from './verify';
import { view, type ViewOptions } from './view';

const USAGE = 2;

/**
 * Runs a command line, and returns its exit code: 0; 1 if something failed; 2 if the command does not exist or was used wrongly.
 *
 * @param page - the page that `view` serves
 */
export async function run(args: readonly string[], version: string, terminal: Terminal, page?: URL): Promise<number> {
  try {
    await programFor(version, terminal, page).parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander has printed the reason.
    return error.exitCode === 0 ? 0 : USAGE;
  }
  await terminal.out.flush();
  return terminal.exitCode;
}

function programFor(version: string, terminal: Terminal, page: URL | undefined): Command {
  const about = async (filePath: string, command: () => Promise<void>) => {
    try {
      const sideFile = await describeSideFile(filePath);
      if (sideFile === undefined) await command();
      else terminal.fail(sideFile);
    } catch (error) {
      terminal.fail(describeError(error, filePath));
    }
  };

  const program = new Command('rx-scrivener')
    .description('Reads, checks and repairs journals.')
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => terminal.stderr.write(text),
      // The text quotes the command line.
      outputError: (text, write) =>
        write(
          text
            .replace(/^error: /, 'rx-scrivener: ')
            .split('\n')
            .map(printable)
            .join('\n'),
        ),
    });

  program
    .command('cat')
    .description("print a journal's lines")
    .argument('<file>', 'the journal, or - for the standard input')
    .option('--after <position>', 'only those after this position', countArgument)
    .option('--last <count>', 'only this many at the end', countArgument)
    .option('--type <type>', 'only entries of this type, or of several: --type Said --type Asked', collect)
    .action((file: string, options: CatOptions) => about(file, () => cat(file, options, terminal)));

  program
    .command('tail')
    .description("print a journal's last lines, and those to come")
    .argument('<file>', 'the journal, or - for the standard input')
    .option('-f, --follow', 'continue with what is appended, until Ctrl-C')
    .option(
      '-n, --lines <count>',
      'how many of the existing ones (default: 10, or all after a position)',
      countArgument,
    )
    .option('--after <position>', 'only those after this position', countArgument)
    .action((file: string, options: TailOptions) => about(file, () => tail(file, options, terminal)));

  program
    .command('verify')
    .description('say whether journals are whole, and list all that is damaged')
    .argument('<file...>', 'the journals, or folders of them')
    .option('--json', 'a JSON object for each, one a line')
    .action((files: string[], options: VerifyOptions) => verify(files, options, terminal));

  program
    .command('repair')
    .description('write all that can be read of a damaged journal into a new one')
    .argument('<file>', 'the journal, which is left unchanged')
    .option('--output <file>', 'the new journal, which must not exist yet (default: <file>.repaired)')
    .option('--renumber', 'make one journal of all, under new positions after a gap')
    .option('--dry-run', 'only say what would be kept and what would be left out')
    .action((file: string, options: RepairOptions) => about(file, () => repair(file, options, terminal)));

  program
    .command('import')
    .description('make one journal of lines of JSON, or of a file whose positions start again at 1 with each run')
    .argument('<old>', 'the file, or - for the standard input')
    .argument('<new>', 'the journal, which must not exist yet')
    .option('--type <field>', "the field whose value becomes an entry's type")
    .action((file: string, output: string, options: ImportLinesOptions) =>
      about(file, () => importJournal(file, output, options, terminal)),
    );

  program
    .command('stats')
    .description('say what a journal is made of')
    .argument('<file>', 'the journal, a folder of them, or - for the standard input')
    .option('--json', 'as a JSON object')
    .action((file: string, options: StatsOptions) => about(file, () => stats(file, options, terminal)));

  program
    .command('view')
    .description('show a journal in a page, live, until Ctrl-C')
    .argument('<file>', 'a journal or any file of lines of JSON, a folder of them, or the URL of a journal')
    .option('--port <port>', 'where on 127.0.0.1 (default: any that is free)', countArgument)
    .option('--time-field <field>', 'the field that says when an entry was written (default: one that is found)')
    .option('--no-open', 'do not open the browser')
    .action((target: string, options: ViewOptions) => about(target, () => view(target, options, page, terminal)));

  return program;
}

function collect(value: string, values: readonly string[] = []): readonly string[] {
  return [...values, value];
}

/** Reads a number of entries, or a position, from the command line. */
function countArgument(text: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(count)) throw new InvalidArgumentError('Expected a safe integer >= 0.');
  return count;
}
