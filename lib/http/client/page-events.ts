/** As far as this is a page or a worker: elsewhere nothing is ever told. */
const here = globalThis as Partial<Pick<EventTarget, 'addEventListener' | 'removeEventListener'>> & {
  readonly document?: Document;
};

/** Calls a listener when the network, or the page, is back: what has waited need not wait any longer. Returns how to end it. */
export function onWaking(listener: () => void): () => void {
  const wake = () => {
    if (here.document?.visibilityState !== 'hidden') listener();
  };
  const ends = [listen(here, 'online', wake), listen(here, 'pageshow', wake)];
  if (here.document) ends.push(listen(here.document, 'visibilitychange', wake));
  return () => ends.forEach((end) => end());
}

/** Calls a listener when the page goes away, for good or to where the browser keeps it for going back. Returns how to end it. */
export function onLeaving(listener: () => void): () => void {
  return listen(here, 'pagehide', listener);
}

/** Resolves when a page that went away is back, or the signal is aborted. */
export function isBack(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = listen(here, 'pageshow', () => finish());
    const finish = () => {
      end();
      signal.removeEventListener('abort', finish);
      resolve();
    };
    signal.addEventListener('abort', finish);
    if (signal.aborted) finish();
  });
}

function listen(
  target: Partial<Pick<EventTarget, 'addEventListener' | 'removeEventListener'>>,
  type: string,
  listener: () => void,
) {
  target.addEventListener?.(type, listener);
  return () => target.removeEventListener?.(type, listener);
}
