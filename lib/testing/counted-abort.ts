/** Aborts, and counts who still listens for it on the signal: a reader that has ended must stop listening. */
export class CountedAbort {
  readonly #controller = new AbortController();
  readonly #listeners = new Set<unknown>();
  /** What the signal aborts with. */
  readonly reason = new Error('Aborted by the conformance suite');

  constructor() {
    const { signal } = this;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (
      type: string,
      listener: EventListenerOrEventListenerObject,
      options?: AddEventListenerOptions | boolean,
    ) => {
      this.#listeners.add(listener);
      const once = typeof options === 'object' && options.once === true;
      if (once) add(type, () => this.#listeners.delete(listener), { once });
      if (typeof options === 'object')
        options.signal?.addEventListener('abort', () => this.#listeners.delete(listener), { once: true });
      add(type, listener, options);
    };
    signal.removeEventListener = (
      type: string,
      listener: EventListenerOrEventListenerObject,
      options?: EventListenerOptions | boolean,
    ) => {
      this.#listeners.delete(listener);
      remove(type, listener, options);
    };
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  abort(): void {
    this.#controller.abort(this.reason);
  }
}
