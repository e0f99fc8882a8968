/** The event target of a page or a worker; elsewhere no events come. */
const here = globalThis as Partial<Pick<EventTarget, 'addEventListener' | 'removeEventListener'>> & {
  readonly document?: Document;
};

/** Calls a listener when the network or the page is back, so that pauses can end. Returns a function that stops it. */
export function onWaking(listener: () => void): () => void {
  const wake = () => {
    if (here.document?.visibilityState !== 'hidden') listener();
  };
  const ends = [listen(here, 'online', wake), listen(here, 'pageshow', wake)];
  if (here.document) ends.push(listen(here.document, 'visibilitychange', wake));
  return () => ends.forEach((end) => end());
}

/** Calls a listener when the page is left, whether it is discarded or kept in the back/forward cache. Returns a function that stops it. */
export function onLeaving(listener: () => void): () => void {
  return listen(here, 'pagehide', listener);
}

/** Resolves when a page is back from the back/forward cache, or the signal is aborted. */
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
