import { stat } from 'node:fs/promises';
import { Subject } from 'rxjs';
import { openFileReader } from '../../file/open-file-reader';
import { CorruptJournalError } from '../../errors/corrupt-journal-error';
import { findSegments } from '../../file/store/manifest';
import { openDurableStream } from '../../durable-streams/open-durable-stream';
import { OFFSET_HEADER } from '../../durable-streams/protocol';
import type { ConnectionStatus } from '../../journal/connection-status';
import { openRemoteScrivener } from '../../http/client/open-remote-scrivener';
import { isCompressedFile } from '../reading/source';
import { CurrentSource } from './current-source';
import { FileLines } from './file-lines';
import { flushedAt } from './flushed-at';
import { JournalLines, type OpenFiles } from './journal-lines';
import type { LineSource } from './line-source';
import { salvagedLines } from './salvaged-lines';

export function isUrl(target: string): boolean {
  return /^https?:\/\//.test(target);
}

/** Opens a source that is opened again whenever it is over. */
export async function openSource(target: string, signal: AbortSignal): Promise<LineSource> {
  const open = () => opened(target, signal);
  return new CurrentSource(target, await open(), open);
}

/** A journal that has closed segments, or that is at a URL, is read as a journal; any other file line by line. */
async function opened(target: string, signal: AbortSignal): Promise<LineSource> {
  if (isUrl(target)) return openUrl(target, signal);
  if ((await findSegments(target)).length > 0) {
    try {
      const files: OpenFiles = {
        sizeBytes: () => sizeOfFiles(target).catch(() => undefined),
        salvage: (from, to) => salvagedLines(target, from, to),
      };
      return new JournalLines(await openFileReader({ filePath: target, signal }), target, { files });
    } catch (error) {
      // The active file is shown line by line, with its damage.
      if (!(error instanceof CorruptJournalError)) throw error;
    }
  }
  await stat(target);
  if (await isCompressedFile(target))
    throw new Error(`${target}: it is compressed; show what \`gunzip -c\` makes of it`);
  return new FileLines(target);
}

/** How long a server is waited for when its journal is opened. */
const OPEN_MS = 2_000;

/** A stream of the Durable Streams Protocol is recognized by its offset; anything else must be a journal. */
async function openUrl(url: string, signal: AbortSignal): Promise<LineSource> {
  const response = await fetch(url, { method: 'HEAD', signal }).catch(() => undefined);
  if (response?.headers.has(OFFSET_HEADER) !== true) {
    const journal = await openRemoteScrivener({ url, signal, retryMs: OPEN_MS });
    return new JournalLines(journal, url, { flushed$: flushedAt(url, () => journal.head, signal) });
  }
  // It only reads: the client would create a stream that is gone. Once the viewer is closed, every stream is.
  const connected$ = new Subject<ConnectionStatus>();
  const read = async (url: string, init: RequestInit) => {
    if (init.method !== 'GET' || signal.aborted) return new Response(null, { status: 404 });
    const either = AbortSignal.any([signal, init.signal!]);
    try {
      const response = await fetch(url, { ...init, signal: either });
      const error = new Error(`The server answers ${response.status}`);
      connected$.next(response.status < 500 ? { status: 'open' } : { status: 'retrying', error });
      return response;
    } catch (cause) {
      const error = new Error('The server does not answer', { cause });
      if (!either.aborted) connected$.next({ status: 'retrying', error });
      throw cause;
    }
  };
  return new JournalLines(await openDurableStream({ url, fetch: read }), url, { connected$ });
}

/** The size of a journal's files together; one that is removed meanwhile counts as 0. */
async function sizeOfFiles(filePath: string): Promise<number> {
  const files = [filePath, ...(await findSegments(filePath)).map((segment) => segment.filePath)];
  const sizes = await Promise.all(
    files.map((file) =>
      stat(file).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
