import { START } from '../../journal/position';
import type { LineFormat } from '../lines/line-reader';
import type { AppendFile } from './append-file';
import { discardHalf, loadManifest, mayHaveSegments, sideFiles, type Manifest } from './manifest';
import { PageReader } from './page-reader';
import { recoverSegment, type Accept } from './recover-segment';
import { removeLeftovers } from './remove-leftovers';
import { activeSegment } from './segment';
import { closedSegments, Segments } from './segments';

/** The progress of reading a journal while it is opened, in bytes. */
export interface OpenProgress {
  readonly bytes: number;
  readonly total: number;
}

/** How a journal is recovered. */
export interface RecoveryOptions<T> {
  /** Whether the journal is going to rotate; otherwise it has closed segments only if there are traces of them. */
  readonly rotates: boolean;
  /** Receives every record; without it, lines are not parsed and only their frame is checked. */
  readonly accept: Accept<T> | undefined;
  readonly onProgress: ((progress: OpenProgress) => void) | undefined;
}

/** A journal's files, as they are after recovery. */
export interface RecoveredJournal<T> {
  readonly manifest: Manifest;
  readonly segments: Segments;
  readonly pages: PageReader<T>;
  /** How many bytes of a torn last line were cut off. */
  readonly truncatedBytes: number;
}

/** Finds the files of a journal, removes what a crash has left half done, checks that its segments follow each other, and cuts off its torn end. */
export async function recoverJournal<T>(
  file: AppendFile,
  format: LineFormat<T>,
  { rotates, accept, onProgress }: RecoveryOptions<T>,
): Promise<RecoveredJournal<T>> {
  const { filePath } = format;
  let manifest = await loadManifest(filePath);
  if (manifest.isHalf && file.bytes === 0) {
    await discardHalf(filePath);
    manifest = await loadManifest(filePath);
  }
  const beside = rotates || (await mayHaveSegments(filePath, manifest)) ? await sideFiles(filePath) : [];
  const files = file.isRegular ? await removeLeftovers(filePath, beside) : beside;
  const { closed, isWhole } = await closedSegments(filePath, manifest, files);
  const total = closed.reduce((sum, { bytesOnDisk }) => sum + bytesOnDisk, file.bytes);
  let done = 0;
  const progress = (bytes: number) => onProgress?.({ bytes: Math.min(total, (done += bytes)), total });

  const segments = new Segments(closed, activeSegment(file, filePath, manifest.active ?? manifest.first));
  const pages = new PageReader(format, segments);
  for (const segment of closed) {
    // Each closed segment but the last ends where the next begins; reading them checks that.
    if (accept) for await (const records of pages.scan(segment, START)) accept(records);
    else if (!isWhole || segment === closed.at(-1)) await pages.index(segment);
    progress(segment.bytesOnDisk);
  }
  const newest = closed.at(-1);
  if (newest) segments.active = activeSegment(file, filePath, newest.last + 1);
  const { last = START } = manifest;
  const truncatedBytes = await recoverSegment(segments.active, file, format, accept, progress, last);
  return { manifest, segments, pages, truncatedBytes };
}
