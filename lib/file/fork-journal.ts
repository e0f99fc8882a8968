import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, link, lstat, open, rm, stat, type FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';
import { assertOptions } from '../errors/assert-argument';
import { CorruptJournalError } from '../errors/corrupt-journal-error';
import { JournalExistsError } from '../errors/journal-exists-error';
import { HEAD } from '../flush/json-entry-serializer';
import { assertPosition, type Position } from '../journal/position';
import { assertThrough } from '../journals/assert-through';
import { makeDirectories, syncDirectory } from './disk/directory';
import { absolutePathOf } from './disk/file-path';
import { isContinuedLine } from './lines/group-line';
import { discardHalf, findSegments, loadManifest, manifestPath, saveManifest, segmentPath } from './store/manifest';
import { chunksOf } from './disk/read-blocks';

/** Where a journal is forked. */
export interface ForkOptions {
  /** The last position that the fork holds; {@link START}: none. */
  readonly through: Position;
}

const OPTIONS: Record<keyof ForkOptions, true> = { through: true };
/** How long to wait for its files while another process moves them. */
const MOVING_MS = 5_000;
const NEWLINE = 0x0a;

/**
 * Makes a new journal with the entries of another up to a position, at the same positions; it continues independently.
 *
 * Copies what is in the files, so flush an open journal first. Closed segments are linked if the file system supports it; from the last one, the lines up to
 * `through` are copied. A crash leaves the complete fork, or a name that opens as a new journal. Rejects with {@link JournalExistsError}
 * if `to` exists, {@link PositionTrimmedError} if `through` is no longer kept, `RangeError` if it is past the end, and the system's errors.
 *
 * @param from - the path of the journal's file, which may be open
 * @param to - the path of the new journal's file
 * @example
 * ```ts
 * await forkJournal('data/chat.ndjson', 'data/chat-2.ndjson', { through: 7 });
 * ```
 */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the entries' type, as of every function of journals
export async function forkJournal<_T>(from: string | URL, to: string | URL, options: ForkOptions): Promise<void> {
  assertOptions('forkJournal', options, OPTIONS);
  const { through } = options;
  const source = absolutePathOf('from', from);
  const target = absolutePathOf('to', to);
  assertPosition('through', through);
  await makeDirectories(target, true);
  if (!(await exists(target)) && (await loadManifest(target)).isHalf) await discardHalf(target);
  const taken = (await exists(target)) || (await exists(manifestPath(target)));
  if (taken || (await findSegments(target)).length > 0) throw new JournalExistsError(target);
  const start = performance.now();
  for (let attempt = 1; ; attempt++) {
    try {
      await fork(source, target, through);
      return;
    } catch (error) {
      // Its files are being moved; if there is none at all, it is not a journal.
      const isOver = performance.now() - start > MOVING_MS || (attempt > 1 && !(await isThere(source)));
      if (!isMoved(error) || isOver) throw error;
    }
    await delay(2);
  }
}

async function fork(source: string, target: string, through: Position): Promise<void> {
  const temporary = `${target}.${randomUUID()}.fork.tmp`;
  const file = await openActive(source);
  try {
    const manifest = await loadManifest(source);
    const found = (await findSegments(source)).filter(({ first }) => first >= manifest.first);
    if (file) await assertInPlace(source, file);

    const closed: { readonly path: string; readonly first: Position; readonly last: Position; readonly gz: boolean }[] =
      [];
    for (const [index, { first, filePath: path, compressed: gz }] of found.entries()) {
      const next = found[index + 1]?.first ?? manifest.active;
      const last = next !== undefined && next > first ? next - 1 : first + (await countLines(path, gz)) - 1;
      closed.push({ path, first, last, gz });
    }
    // The missing segment may hold it.
    if (!file && through > (closed.at(-1)?.last ?? 0)) throw moving(source);
    const oldest = closed[0]?.first ?? manifest.active ?? manifest.first;
    assertThrough(through, { first: oldest, head: Infinity });
    const linked = closed.filter(({ last }) => last <= through);
    const active = (linked.at(-1)?.last ?? oldest - 1) + 1;
    const cut = closed[linked.length];
    await copyLines(cut ?? { path: source, file, gz: false }, temporary, active, through);

    const isAlone = linked.length === 0 && oldest === 1;
    const record = {
      id: randomUUID(),
      first: oldest,
      active,
      begunMs: Date.now(),
      last: active - 1,
      closed: linked.length,
    };
    // With this record it is nobody's journal until the active file exists.
    if (!isAlone) await saveManifest(target, { ...record, isHalf: true }, file && (await file.stat()));
    for (const { path, first, gz } of linked) await linkOrCopy(path, segmentPath(target, first) + (gz ? '.gz' : ''));
    if (!isAlone) await syncDirectory(target);
    await link(temporary, target).catch((error: unknown) => {
      throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? new JournalExistsError(target) : error;
    });
    await (isAlone ? syncDirectory(target) : saveManifest(target, record));
  } catch (error) {
    if (!(error instanceof JournalExistsError)) await discardHalf(target).catch(() => undefined);
    throw error;
  } finally {
    await file?.close();
    await rm(temporary, { force: true });
  }
}

/** A file that lines are copied from: an open file, or a path. */
interface Lines {
  readonly path: string;
  readonly file?: FileHandle;
  readonly gz: boolean;
}

/** Copies the lines of the positions from `first` through `through`, and syncs them. */
async function copyLines(lines: Lines, target: string, first: Position, through: Position): Promise<void> {
  const copy = await open(target, 'wx+');
  try {
    let position = first - 1;
    let bytes = 0;
    let lineAt = 0;
    for await (const chunk of through >= first ? contentOf(lines) : []) {
      let end = 0;
      for (let from = 0; position < through && (end = chunk.indexOf(NEWLINE, from)) >= 0; from = end + 1) {
        position++;
        if (position < through) lineAt = bytes + end + 1;
      }
      const taken = position === through ? chunk.subarray(0, end + 1) : chunk;
      await copy.appendFile(taken);
      bytes += taken.length;
      if (position === through) break;
    }
    const last = Buffer.alloc(bytes - lineAt);
    await copy.read(last, 0, last.length, lineAt);
    const line = last.toString().replace(/\n$/, '');
    // A whole last line may lack its newline, as at an opening.
    if (position === through - 1 && isWhole(line)) position++;
    if (position < through) assertThrough(through, { first, head: position });
    if (through >= first) {
      const found = line.startsWith(HEAD) ? parseInt(line.slice(HEAD.length), 10) : through;
      if (found !== through) {
        const reason = `its position is ${found} where ${through} is next`;
        throw new CorruptJournalError({ filePath: lines.path, line: through - first + 1, byteOffset: lineAt, reason });
      }
      // The fork ends with it, and so does its group.
      const ending = isContinuedLine(line) ? line.replace(/ \}(\r?)$/, '}$1') : line;
      await copy.truncate(lineAt);
      await copy.write(`${ending}\n`, lineAt);
    }
    await copy.sync();
  } finally {
    await copy.close();
  }
}

function isWhole(line: string): boolean {
  if (!line.startsWith(HEAD)) return false;
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

async function* contentOf({ path, file, gz }: Lines): AsyncGenerator<Buffer, void> {
  if (file) return yield* chunksOf(file);
  const opened = await open(path, 'r');
  try {
    if (!gz) return yield* chunksOf(opened);
    const unpacked = opened.createReadStream({ autoClose: false }).pipe(createGunzip());
    for await (const chunk of unpacked) yield chunk as Buffer;
  } finally {
    await opened.close();
  }
}

async function countLines(path: string, gz: boolean): Promise<number> {
  let lines = 0;
  for await (const chunk of contentOf({ path, gz })) {
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, end + 1)) lines++;
  }
  return lines;
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'EACCES', 'ENOSYS'].includes(codeOf(error))) throw error;
    await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    const copy = await open(to, 'r+');
    await copy.sync().finally(() => copy.close());
  }
}

/** The active file. A rotation begins it after closing the previous one, and a crash may come between. */
async function openActive(source: string): Promise<FileHandle | undefined> {
  try {
    return await open(source, 'r');
  } catch (error) {
    if (isMoved(error) && (await findSegments(source)).length > 0) return undefined;
    throw error;
  }
}

/** Asserts that the open file still has the journal's name. */
async function assertInPlace(source: string, file: FileHandle): Promise<void> {
  const [opened, named] = await Promise.all([file.stat({ bigint: true }), stat(source, { bigint: true })]);
  if (opened.ino !== named.ino) throw moving(source);
}

function moving(source: string): Error {
  return Object.assign(new Error(`${source} is being rotated`), { code: 'ENOENT' });
}

function isMoved(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException | undefined)?.code ?? '';
}

async function isThere(source: string): Promise<boolean> {
  if ((await exists(source)) || (await exists(manifestPath(source)))) return true;
  // Its first rotation has closed the first segment, and not begun the next.
  return (await findSegments(source)).length > 0;
}

async function exists(filePath: string): Promise<boolean> {
  try {
    await lstat(filePath);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}
