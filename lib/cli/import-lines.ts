import { isUtf8 } from 'node:buffer';
import { blocksOf } from '../file/disk/read-blocks';
import { HEAD, NECK } from '../flush/json-entry-serializer';
import { counted, printable } from './terminal/wording';
import { NewJournal } from './writing/new-journal';
import { modeOfSource, sourceError, type Source } from './reading/source';
import type { Terminal } from './terminal/terminal';

/** How lines of JSON become entries. */
export interface ImportLinesOptions {
  /** The field whose value also becomes the `type` of an entry. */
  readonly type?: string | undefined;
}

const NEWLINE = 10;
const BYTE_ORDER_MARK = '\uFEFF';

/** Makes a journal from lines of JSON: each line becomes an entry unchanged, in order; all of them, or none. */
export async function importLines(
  source: Source,
  output: string,
  { type }: ImportLinesOptions,
  terminal: Terminal,
): Promise<void> {
  const journal = await NewJournal.create(output, await modeOfSource(source.name));
  let untyped = 0;
  let line = 0;
  try {
    for await (const text of linesOf(source.bytes)) {
      line++;
      const json = (line === 1 && text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text).trim();
      if (json === '') continue;
      const entry = type === undefined ? checked(json) : typed(json, type);
      if (entry === undefined) untyped++;
      const pause = journal.add(`${HEAD}${journal.last + 1}${NECK}${entry ?? json}}`);
      if (pause) await pause;
    }
    await journal.seal();
    await journal.commit();
    if (untyped > 0)
      terminal.note(`${counted(untyped, 'line')} without ${JSON.stringify(type)} made entries without a type`);
    await terminal.out.write(printable(`${output}: ${counted(journal.last, 'entry')}`));
  } catch (error) {
    if (error instanceof NoEntryError)
      terminal.fail(`${source.name}, line ${line}: ${error.message}; nothing was imported`);
    else throw sourceError(source, line, error);
  } finally {
    await journal.close();
  }
}

/** A line that cannot become an entry. */
class NoEntryError extends Error {}

async function* linesOf(bytes: AsyncIterable<Buffer>): AsyncGenerator<string, void> {
  for await (const block of blocksOf(bytes)) {
    if (block.reason !== undefined) {
      yield '';
      throw new NoEntryError(block.reason);
    }
    for (let from = 0; from < block.bytes.length;) {
      const newline = block.bytes.indexOf(NEWLINE, from);
      const end = newline < 0 ? block.bytes.length : newline;
      const line = block.bytes.subarray(from, end);
      if (isUtf8(line)) yield line.toString();
      else {
        // The empty line makes it count; then it is refused.
        yield '';
        throw new NoEntryError('it is not UTF-8');
      }
      from = end + 1;
    }
  }
}

function checked(json: string): string {
  parsed(json);
  return json;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new NoEntryError('it is not JSON');
  }
}

/** The JSON of an entry with its type in front, and the rest unchanged; `undefined` if it has no type. */
function typed(json: string, field: string): string | undefined {
  const entry = parsed(json);
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return undefined;
  const { [field]: value, type } = entry as Readonly<Record<string, unknown>>;
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  if (type === String(value)) return json;
  if (Object.hasOwn(entry, 'type') && field !== 'type') throw new NoEntryError('it has another "type" already');
  if (field === 'type') return undefined;
  return `{"type":${JSON.stringify(String(value))},${json.slice(1)}`;
}
