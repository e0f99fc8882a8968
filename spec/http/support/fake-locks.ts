type Callback = () => Promise<unknown>;

interface Waiting {
  readonly options: LockOptions;
  readonly callback: Callback;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** Web Locks as a browser has them, as far as they are used: exclusive, in turn, to be stolen. https://www.w3.org/TR/web-locks/ */
export class FakeLocks {
  readonly #held = new Map<string, Waiting>();
  readonly #queues = new Map<string, Waiting[]>();

  request(name: string, options: LockOptions, callback: Callback): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { options, callback, resolve, reject };
      const queue = this.#queues.get(name) ?? [];
      this.#queues.set(name, queue);
      if (options.steal) {
        const robbed = this.#held.get(name);
        this.#held.delete(name);
        robbed?.reject(new DOMException('The lock was stolen', 'AbortError'));
        queue.unshift(waiting);
      } else queue.push(waiting);
      const abort = () => {
        const index = queue.indexOf(waiting);
        if (index < 0) return;
        queue.splice(index, 1);
        reject(options.signal!.reason as Error);
      };
      options.signal?.addEventListener('abort', abort);
      if (options.signal?.aborted) abort();
      this.#grant(name);
    });
  }

  #grant(name: string): void {
    if (this.#held.has(name)) return;
    const next = this.#queues.get(name)?.shift();
    if (!next) return;
    this.#held.set(name, next);
    const end = () => {
      if (this.#held.get(name) === next) this.#held.delete(name);
      this.#grant(name);
    };
    Promise.resolve().then(next.callback).then(next.resolve, next.reject).finally(end);
  }
}
