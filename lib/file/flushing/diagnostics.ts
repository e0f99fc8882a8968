import { channel, type Channel } from 'node:diagnostics_channel';
import type { Position } from '../../journal/position';

/**
 * What happens to a file's journal, published under {@link https://nodejs.org/api/diagnostics_channel.html | node:diagnostics_channel};
 * the names of the channels are fixed, and a channel without a subscriber costs nothing.
 */
export interface JournalDiagnostics {
  /** A journal was opened: what was recovered, and how long it took in milliseconds. */
  'rx-scrivener:opened': {
    readonly filePath: string;
    readonly entries: number;
    readonly truncatedBytes: number;
    readonly durationMs: number;
  };
  /** A batch was flushed: its positions, its bytes if the sink counts them, and how long the sink took in milliseconds. */
  'rx-scrivener:flushed': {
    readonly filePath: string;
    readonly first: Position;
    readonly last: Position;
    readonly bytes: number | undefined;
    readonly durationMs: number;
  };
  /** The flusher failed; what it had flushed before, and the error. */
  'rx-scrivener:failed': { readonly filePath: string; readonly flushed: Position; readonly error: unknown };
  /** A journal was closed, and its file released. */
  'rx-scrivener:closed': { readonly filePath: string; readonly lastPosition: Position; readonly flushed: Position };
}

const CHANNELS: Readonly<Record<keyof JournalDiagnostics, Channel>> = {
  'rx-scrivener:opened': channel('rx-scrivener:opened'),
  'rx-scrivener:flushed': channel('rx-scrivener:flushed'),
  'rx-scrivener:failed': channel('rx-scrivener:failed'),
  'rx-scrivener:closed': channel('rx-scrivener:closed'),
};

/** Publishes a message, which is made only if somebody subscribes. */
export function publish<Name extends keyof JournalDiagnostics>(
  name: Name,
  message: () => JournalDiagnostics[Name],
): void {
  const { [name]: channel } = CHANNELS;
  if (channel.hasSubscribers) channel.publish(message());
}
