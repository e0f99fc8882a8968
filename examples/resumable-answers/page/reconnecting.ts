import type { DurableStreamConnection } from '@durable-streams/tanstack-ai-transport';

const PAUSE_MS = 1_000;

/**
 * The adapter's connection ends with an error when the server goes away, and that of a hidden tab may be lost unnoticed. This one connects again after an
 * error, and whenever the tab becomes visible, and passes over what it has emitted before: so there is neither gap nor double.
 *
 * @param connect - each connection begins with the same chunk
 */
export function reconnecting(connect: () => DurableStreamConnection): DurableStreamConnection {
  let emitted = 0;
  return {
    send: (...request) => connect().send(...request),
    async *subscribe(signal) {
      while (!signal?.aborted) {
        const again = new AbortController();
        const onVisible = () => !document.hidden && again.abort();
        document.addEventListener('visibilitychange', onVisible);
        try {
          let received = 0;
          for await (const chunk of connect().subscribe(AbortSignal.any([again.signal, ...(signal ? [signal] : [])]))) {
            if (++received <= emitted) continue;
            yield chunk;
            emitted = received;
          }
        } catch (error) {
          console.warn('Connects again:', error);
        }
        if (!again.signal.aborted) await abortOrPause(again.signal);
        document.removeEventListener('visibilitychange', onVisible);
      }
    },
  };
}

function abortOrPause(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => {
    setTimeout(resolve, PAUSE_MS);
    signal.addEventListener('abort', resolve);
  });
}
