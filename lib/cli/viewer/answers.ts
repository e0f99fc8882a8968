import { entryTime, rowOf, type Row } from './line';
import type { LineSource } from './line-source';
import { Query } from './query';

/** So many rows are in one answer at most. */
const MAX_ROWS = 500;
/** A search looks at so many lines, so many bytes, and for so long, before it answers; the page asks for more. */
const MAX_SEARCHED = 20_000;
const MAX_SEARCHED_BYTES = 16 * 1024 * 1024;
const MAX_SEARCHED_MS = 200;
const SEARCH_STEP = 500;
/** Times are looked at in so many places. */
const SAMPLES = 200;

/** What a part of a search found. */
export interface Found {
  /** In their order. */
  readonly rows: readonly Row[];
  /** Lines before this number are still to be searched. */
  readonly before: number;
  readonly done: boolean;
}

export async function rowsOf(source: LineSource, from: number, to: number): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const line of source.lines(from, Math.min(to, from + MAX_ROWS - 1))) rows.push(rowOf(line));
  return rows;
}

/** The whole text of a line. */
export async function textOf(source: LineSource, n: number): Promise<{ text: string; entry: unknown } | undefined> {
  for await (const { text, entry } of source.lines(n, n)) return { text, entry };
  return undefined;
}

/** Searches from the newest lines on, in bounded work: those before `before`, and not before `from`. */
export async function search(source: LineSource, text: string, from: number, before: number): Promise<Found> {
  const query = new Query(text);
  const started = performance.now();
  const { first, head } = source.extent;
  const oldest = Math.max(from, first);
  let end = Math.min(before, head + 1);
  if (query.before < end) end = Math.min(end, await source.find(query.before));
  let rows: Row[] = [];
  let lines = 0;
  let bytes = 0;
  while (end > oldest && rows.length < MAX_ROWS) {
    if (lines >= MAX_SEARCHED || bytes >= MAX_SEARCHED_BYTES || performance.now() - started >= MAX_SEARCHED_MS) break;
    const begin = Math.max(oldest, end - SEARCH_STEP);
    const found: Row[] = [];
    for await (const line of source.lines(begin, end - 1)) {
      lines++;
      bytes += line.bytes;
      if (query.matches(line)) found.push(rowOf(line));
      // A position is at most as far from the end as its line is.
      else if (line.n === begin && (line.position ?? begin) <= query.after) end = oldest;
    }
    rows = [...found, ...rows];
    end = Math.min(end, begin);
  }
  return { rows, before: end, done: end <= oldest };
}

/** When lines were written, in some places from the oldest to the newest. */
export async function timesOf(source: LineSource): Promise<{ n: number; time: number }[]> {
  const { first, head } = source.extent;
  const step = Math.max(1, (head - first) / (SAMPLES - 1));
  const times: { n: number; time: number }[] = [];
  for (let at = first; at <= head; at += step) {
    const n = Math.round(at);
    for await (const { entry } of source.lines(n, n)) {
      const time = entryTime(entry);
      if (time !== undefined) times.push({ n, time });
    }
  }
  return times;
}
