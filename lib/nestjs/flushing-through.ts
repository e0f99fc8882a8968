import type { FlushSink } from '../flush/flush-sink';
import type { FlusherDaemon } from '../flush/flusher-daemon';

/**
 * A sink that accepts a snapshot when another flusher of the same journal has persisted it.
 *
 * @param findFlusher - gives the other flusher; where there is none after all, the sink is used itself
 * @param sink - that of the other flusher
 */
export function flushingThrough<T>(
  findFlusher: () => Promise<FlusherDaemon<T> | undefined>,
  sink: FlushSink<T>,
): FlushSink<T> {
  return {
    append: async (snapshot, lines) => {
      const flusher = await findFlusher();
      if (flusher === undefined) return sink.append(snapshot, lines);
      await flusher.waitFor('Running');
      await flusher.flush();
    },
    close: async () => {
      if ((await findFlusher()) === undefined) await sink.close?.();
    },
    ...(sink.recover && { recover: () => sink.recover!() }),
  };
}
