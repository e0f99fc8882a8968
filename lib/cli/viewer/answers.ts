import { isUsual } from '../figures/entry-times';
import { entryTime, timeFieldsOf, timesIn } from './entry-time';
import { rowOf, shownTypeOf, type Line, type Row } from './line';
import type { LineSource } from './line-source';
import { Query } from './query';

/** The most rows in one answer. */
const MAX_ROWS = 500;
/** About the most bytes of lines that are read for one answer; the page asks for more. */
const MAX_BYTES = 16 * 1024 * 1024;
/** A search also answers after this many lines or milliseconds. */
const MAX_SEARCHED = 20_000;
const MAX_SEARCHED_MS = 200;
/** How many lines it reads first, and at most, between two looks at these limits. */
const FIRST_STEP = 16;
const SEARCH_STEP = 500;
/** How many places a survey looks at at a time. */
const AT_ONCE = 8;
/** How many lines without a time are skipped, at most. */
const MOST_WITHOUT = 500;

/** What a part of a search found. */
export interface Found {
  /** In their order. */
  readonly rows: readonly Row[];
  /** Lines before this number are still to be searched. */
  readonly before: number;
  readonly done: boolean;
}

/** What a journal contains, judged by samples from the oldest line to the newest. */
export interface Survey {
  readonly samples: readonly Sample[];
  /** The field that says when entries were written; `undefined` for the usual ones. */
  readonly timeField: string | undefined;
  /** All fields that could hold times. */
  readonly timeFields: readonly string[];
}

/** One of the sampled lines. */
export interface Sample {
  readonly n: number;
  readonly type: string | undefined;
  readonly time: number | undefined;
}

/** The rows from one line on, up to another or as many as an answer holds; none if there are none. */
export async function rowsOf(source: LineSource, from: number, to: number, timeField?: string): Promise<Row[]> {
  const rows: Row[] = [];
  let bytes = 0;
  for await (const line of source.lines(from, Math.min(to, from + MAX_ROWS - 1))) {
    rows.push(rowOf(line, timeField));
    if ((bytes += line.bytes) >= MAX_BYTES) break;
  }
  return rows;
}

/** The whole text of a line. */
export async function textOf(source: LineSource, n: number): Promise<{ text: string; entry: unknown } | undefined> {
  const line = await lineAt(source, n);
  return line && { text: line.text, entry: line.entry };
}

/** Searches a bounded number of lines, from the newest to the oldest: those before `before`, from `from` on. */
export async function search(
  source: LineSource,
  text: string,
  { from, before, timeField }: { from: number; before: number; timeField?: string | undefined },
): Promise<Found> {
  const query = new Query(text);
  const started = performance.now();
  const { first, head } = source.extent;
  const oldest = Math.max(from, first);
  let end = Math.min(before, head + 1);
  if (query.before < end) end = Math.min(end, await source.find(query.before));
  let rows: Row[] = [];
  let lines = 0;
  let bytes = 0;
  for (let step = FIRST_STEP; end > oldest && rows.length < MAX_ROWS; step = Math.min(SEARCH_STEP, 2 * step)) {
    if (lines >= MAX_SEARCHED || bytes >= MAX_BYTES || performance.now() - started >= MAX_SEARCHED_MS) break;
    const begin = Math.max(oldest, end - step);
    const found: Row[] = [];
    for await (const line of source.lines(begin, end - 1)) {
      lines++;
      bytes += line.bytes;
      if (query.matches(line)) found.push(rowOf(line, timeField));
      // A position is at most as far from the end as its line is.
      else if (line.n === begin && (line.position ?? begin) <= query.after) end = oldest;
    }
    rows = [...found, ...rows];
    end = Math.min(end, begin);
  }
  return { rows, before: end, done: end <= oldest };
}

/** @param wanted - the field that says when entries were written; default: one of the usual fields, or the one that holds times most often */
export async function survey(source: LineSource, wanted?: string): Promise<Survey> {
  const { first, head } = source.extent;
  const count = Math.min(source.samples, head - first + 1);
  const places = Array.from(
    { length: count },
    (_, i) => first + Math.round((i * (head - first)) / Math.max(1, count - 1)),
  );
  // A line may be long: nothing is kept of it but this.
  const look = async (place: number) => {
    const line = await lineAt(source, place);
    if (line === undefined) return [];
    const { n, entry } = line;
    return [{ n, type: shownTypeOf(entry), time: entryTime(entry, wanted), times: timesIn(entry) }];
  };
  const seen: Awaited<ReturnType<typeof look>> = [];
  for (let i = 0; i < places.length; i += AT_ONCE)
    seen.push(...(await Promise.all(places.slice(i, i + AT_ONCE).map(look))).flat());
  const timeFields = timeFieldsOf(seen.map(({ times }) => times));
  const timeField = wanted ?? timeFields.slice(0, 1).find((field) => !isUsual(field));
  const samples = seen.map(({ times, time, ...sample }) => ({
    ...sample,
    time: timeField === wanted ? time : times.get(timeField!),
  }));
  return { samples, timeField, timeFields };
}

/** The number of the first line at a time or after it, if times ascend; one past the newest line if there is none. */
export async function lineOfTime(source: LineSource, time: number, timeField?: string): Promise<number> {
  const { first, head } = source.extent;
  let [low, high] = [first, head + 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    let found: number | undefined;
    for await (const { entry } of source.lines(middle, Math.min(high - 1, middle + MOST_WITHOUT)))
      if ((found = entryTime(entry, timeField)) !== undefined) break;
    if (found === undefined || found >= time) high = middle;
    else low = middle + 1;
  }
  return low;
}

async function lineAt(source: LineSource, n: number): Promise<Line | undefined> {
  for await (const line of source.lines(n, n)) return line;
  return undefined;
}
