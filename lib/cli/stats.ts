import { counted, printable } from './terminal/wording';
import { describeDamage } from './terminal/describe-error';
import { EntryTimes, TIME_FIELDS, type Rate } from './figures/entry-times';
import { EntryTypes } from './figures/entry-types';
import { journalPaths } from './reading/folder-journals';
import { lineBytes } from './reading/journal-line';
import { Sizes } from './figures/sizes';
import { survey, type Survey } from './reading/survey';
import type { Terminal } from './terminal/terminal';

/** How the result is printed. */
export interface StatsOptions {
  readonly json?: boolean;
}

interface Stats extends Pick<Survey, 'entries' | 'bytes' | 'tornBytes'> {
  /** How many, if it is a folder. */
  readonly journals: number | undefined;
  readonly firstPosition: number | undefined;
  readonly lastPosition: number | undefined;
  readonly types: ReturnType<EntryTypes['top']>;
  readonly sizes: Sizes;
  readonly rate: Rate | undefined;
}

const TOP_TYPES = 10;
const SPANS = [
  ['a second', 1],
  ['a minute', 60],
  ['an hour', 3600],
  ['a day', 86_400],
] as const;

/** Prints figures about a journal, or about the journals of a folder together. */
export async function stats(filePath: string, { json = false }: StatsOptions, terminal: Terminal): Promise<void> {
  const types = new EntryTypes();
  const times = new EntryTimes();
  const sizes = new Sizes();
  let firstPosition: number | undefined;
  let lastPosition: number | undefined;
  const sum = { entries: 0, bytes: 0, tornBytes: 0 };
  const paths = await journalPaths(filePath);
  for (const path of paths) {
    const found = await survey(path, {
      doing: 'Reading',
      terminal,
      visit({ position, entry: line }) {
        firstPosition ??= position;
        types.add(line.entry);
        times.add(line.entry);
        sizes.add(lineBytes(line));
      },
    });
    if (found.damage) {
      terminal.fail(describeDamage(found.damage));
      return;
    }
    lastPosition = found.lastPosition;
    sum.entries += found.entries;
    sum.bytes += found.bytes;
    sum.tornBytes += found.tornBytes;
  }
  const isFolder = paths[0] !== filePath;
  const place = isFolder
    ? { journals: paths.length, firstPosition: undefined, lastPosition: undefined }
    : { journals: undefined, firstPosition, lastPosition };
  const all: Stats = { ...sum, ...place, types: types.top(TOP_TYPES), sizes, rate: times.rate };
  for (const line of json ? [asJson(filePath, all)] : asText(filePath, all)) await terminal.out.write(line);
}

function asJson(file: string, stats: Stats): string {
  const { journals, entries, firstPosition, lastPosition, bytes, tornBytes, types, sizes, rate } = stats;
  return JSON.stringify({
    file,
    ...(journals === undefined ? {} : { journals }),
    entries,
    ...(journals === undefined ? { firstPosition: firstPosition ?? null, lastPosition } : {}),
    bytes,
    tornBytes,
    meanBytes: entries > 0 ? bytes / entries : null,
    ...types,
    sizes: sizes.buckets,
    rate: rate ? { ...rate, perSecond: rate.perSecond ?? null } : null,
  });
}

function* asText(filePath: string, stats: Stats): Generator<string, void> {
  const { journals, entries, firstPosition, lastPosition, bytes, tornBytes, types, sizes, rate } = stats;
  const named = types.types.map(({ type, entries }) => `${printable(type)} ${entries}`);
  if (types.others > 0) named.push(`others ${types.others}`);
  if (types.untyped > 0) named.push(`without a type ${types.untyped}`);

  yield printable(filePath);
  if (journals !== undefined) yield `journals ${journals}`;
  yield `entries  ${entries}${firstPosition === undefined ? '' : `, positions ${firstPosition} to ${lastPosition}`}`;
  const mean = entries > 0 ? `, ${Number((bytes / entries).toFixed(1))} an entry` : '';
  yield `bytes    ${bytes}${mean}${tornBytes > 0 ? `, then ${journals === undefined ? 'a torn end' : 'torn ends'} of ${tornBytes}` : ''}`;
  if (entries === 0) return;
  yield `types    ${named.join(', ')}`;
  yield `rate     ${describeRate(rate)}`;
  yield 'sizes    entries by the bytes of their lines';
  yield '';
  yield* sizes.chart();
}

function describeRate(rate: Rate | undefined): string {
  if (!rate) return `no entry says when it was written (in ${TIME_FIELDS.map((field) => `"${field}"`).join(', ')})`;
  const { field, entries, first, last, perSecond } = rate;
  const by = `by "${field}" of ${counted(entries, 'entry')}`;
  if (perSecond === undefined) return `all at ${first.toISOString()}, ${by}`;
  // The shortest span with at least one entry.
  const [span, seconds] = SPANS.find(([, seconds]) => perSecond * seconds >= 1) ?? SPANS.at(-1)!;
  const count = Number((perSecond * seconds).toPrecision(3));
  return `${count} ${span}, ${first.toISOString()} to ${last.toISOString()}, ${by}`;
}
