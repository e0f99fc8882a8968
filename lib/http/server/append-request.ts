import type { StandardSchemaV1 } from '@standard-schema/spec';
import { EntryValidationError } from '../../errors/entry-validation-error';
import { WriteUncertainError } from '../../errors/write-uncertain-error';
import type { Position } from '../../journal/position';
import type { Scrivener } from '../../journal/scrivener';
import type { Admission, JournalHandlerOptions } from './handler-options';
import { parseEntry } from './parse-entry';
import { badRequest, Problem, refusal } from './problem';
import { etag, JSON_TYPE, KEY_HEADER, LINES_TYPE, MAX_LINES, MEMORY_HEADER } from '../protocol';
import { BodyTooLarge, readBody } from '../read-body';
import { contentType, parsePosition } from './request-parts';
import type { Answer, WriteMemory } from './write-memory';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** What appending needs. */
export interface AppendContext<T> {
  readonly scrivener: Scrivener<T>;
  readonly memory: WriteMemory;
  readonly schema: StandardSchemaV1<unknown, T> | undefined;
  readonly maxBodyBytes: number;
  readonly admit: JournalHandlerOptions<T>['admit'];
  readonly whenFlushed: (position: Position) => Promise<unknown> | undefined;
  /** The same for the same bytes, and for no others. */
  readonly digestOf: (bytes: Uint8Array<ArrayBuffer>) => string | Promise<string>;
  readonly toProblem: (error: unknown) => Problem;
}

/** Appends the body of a request: one entry as JSON, or several as lines, each of which is its own write. */
export async function appendRequest<T>(admission: Admission, context: AppendContext<T>): Promise<Answer> {
  const { request, caller } = admission;
  const type = contentType(request);
  if ((type !== JSON_TYPE && type !== LINES_TYPE) || request.headers.has('Content-Encoding')) {
    throw new Problem(
      415,
      'ERR_UNSUPPORTED_MEDIA_TYPE',
      `The body is to be ${JSON_TYPE} or ${LINES_TYPE}, not encoded`,
    );
  }
  const key = parseKey(request);
  const expect = parseExpect(request);
  const bytes = await readEntries(request, context.maxBodyBytes);
  const texts = type === JSON_TYPE ? [decode(bytes)] : linesOf(decode(bytes));
  if (type === LINES_TYPE && expect !== undefined) throw badRequest(`If-Match is for one entry, as ${JSON_TYPE}`);

  const write = async (): Promise<Answer> => {
    const answers = await writeEach(texts, expect, admission, context);
    return type === JSON_TYPE ? answers[0]! : { status: 200, body: answers.map(({ body }) => body) };
  };
  if (key === undefined) return write();
  const digest = `${type} ${expect ?? ''} ${await context.digestOf(bytes)}`;
  const since = request.headers.get(MEMORY_HEADER) ?? undefined;
  return context.memory.answer({ key, caller, digest, count: texts.length, since }, write);
}

/** Writes in the order of the texts; each gets its own answer. */
async function writeEach<T>(
  texts: readonly string[],
  expect: Position | undefined,
  admission: Admission,
  { schema, admit, scrivener, whenFlushed, toProblem }: AppendContext<T>,
): Promise<Answer[]> {
  const checkAndAdmit = async (text: string): Promise<T> => {
    const entry = await checkEntry(text, schema);
    if (admit === undefined) return entryOf('schema', entry);
    let admitted;
    try {
      admitted = await admit(entry, admission);
      // Returned, as by `authorize`, it refuses as well: appended it would be an empty entry.
      if (admitted instanceof Response) throw admitted;
    } catch (error) {
      throw await refusal(error);
    }
    return entryOf('admit', admitted);
  };
  const checked = await Promise.allSettled(texts.map(checkAndAdmit));
  return Promise.all(
    checked.map(async (check): Promise<Answer> => {
      try {
        if (check.status === 'rejected') throw check.reason;
        const position = await scrivener.write(check.value, expect === undefined ? undefined : { expect });
        await whenFlushed(position)?.catch((cause: unknown) => {
          throw new WriteUncertainError({ cause });
        });
        return { status: 201, body: { position }, headers: { ETag: etag(position) } };
      } catch (error) {
        return toProblem(error);
      }
    }),
  );
}

async function checkEntry<T>(text: string, schema: StandardSchemaV1<unknown, T> | undefined): Promise<T> {
  const entry = parseEntry(text);
  if (schema === undefined) return entry as T;
  const result = await schema['~standard'].validate(entry);
  if (result.issues) throw new EntryValidationError(result.issues);
  return result.value;
}

/** The entry that a hook of the user returned; throws if it returned nothing, which no reader could receive. */
function entryOf<T>(hook: string, entry: T): T {
  if (entry === undefined)
    throw new TypeError(`Expected \`${hook}\` to give the entry that is appended, got undefined`);
  return entry;
}

async function readEntries(request: Request, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = () =>
    new Problem(413, 'ERR_ENTRY_TOO_LARGE', `The body has more than ${maxBytes} bytes`, { data: { maxBytes } });
  if (Number(request.headers.get('Content-Length')) > maxBytes) throw tooLarge();
  if (request.bodyUsed) {
    const detail = 'The body was read before the journal came to it: `authorize` is to read a `request.clone()`';
    throw new Problem(500, 'ERR_BODY_USED', detail, { cause: new TypeError(detail) });
  }
  try {
    return await readBody(request.body, maxBytes);
  } catch (error) {
    throw error instanceof BodyTooLarge ? tooLarge() : badRequest('The body ended too early');
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw badRequest('The body is not UTF-8');
  }
}

function linesOf(text: string): string[] {
  const lines = text.split('\n', MAX_LINES + 2);
  if (lines.at(-1) === '') lines.pop();
  if (lines.length >= 1 && lines.length <= MAX_LINES) return lines;
  throw badRequest(`Expected 1 to ${MAX_LINES} lines`);
}

function parseKey(request: Request): string | undefined {
  const key = request.headers.get(KEY_HEADER) ?? undefined;
  if (key === undefined || /^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw badRequest(`Expected ${KEY_HEADER} to be 1 to 255 visible characters`);
}

function parseExpect(request: Request): Position | undefined {
  const tag = request.headers.get('If-Match');
  if (tag === null) return undefined;
  const [, digits] = /^"(\d+)"$/.exec(tag) ?? [];
  if (digits !== undefined) return parsePosition('If-Match', digits);
  throw badRequest('Expected If-Match to be a position in quotation marks');
}

/** Their SHA-256. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return String.fromCharCode(...digest);
}
