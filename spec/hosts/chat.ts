import type { MessageCodec } from 'rx-scrivener';

/** What the specs' two sides say to each other; a `Noted` is for nobody. */
export type ChatEntry = { type: 'Said'; by: 'user' | 'agent'; text: string } | { type: 'Noted'; text: string };

function side(own: 'user' | 'agent', other: 'user' | 'agent'): MessageCodec<string, ChatEntry> {
  return {
    toEntry: (text) => ({ type: 'Said', by: own, text }),
    toMessage: (entry) => (entry.type === 'Said' && entry.by === other ? entry.text : undefined),
  };
}

export const userSide = side('user', 'agent');
export const agentSide = side('agent', 'user');
export const bySide = (by: 'user' | 'agent') => (text: string) => ({ type: 'Said', by, text }) as const;
export const byUser = bySide('user');
export const byAgent = bySide('agent');
export const noted = (text: string): ChatEntry => ({ type: 'Noted', text });

/** Lets a test decide when something that is under way ends. */
export class Gate<V = void> {
  readonly passed: Promise<V>;
  open!: (value: V) => void;
  fail!: (error: unknown) => void;

  constructor() {
    this.passed = new Promise<V>((resolve, reject) => {
      this.open = resolve;
      this.fail = reject;
    });
  }
}

/** Deliveries that each wait until the test ends them. */
export class SlowDelivery {
  readonly begun: string[] = [];
  readonly done: string[] = [];
  /** How many were under way at once, at the most. */
  peak = 0;
  readonly #gates: Gate[] = [];

  readonly deliver = async (text: string): Promise<void> => {
    const gate = new Gate();
    this.#gates.push(gate);
    this.begun.push(text);
    this.peak = Math.max(this.peak, this.#gates.length);
    try {
      await gate.passed;
      this.done.push(text);
    } finally {
      this.#gates.splice(this.#gates.indexOf(gate), 1);
    }
  };

  /** Ends the delivery under way. */
  finish(): void {
    this.#gates[0]!.open();
  }

  fail(error: unknown): void {
    this.#gates[0]!.fail(error);
  }
}

/** An async iterable that is fed by hand and says how it is used. */
export class HandFed<V> implements AsyncIterable<V> {
  pulls = 0;
  returns = 0;
  readonly #ready: V[] = [];
  #pending: Gate<IteratorResult<V>> | undefined;
  #end: { error?: unknown; failed: boolean } | undefined;

  feed(...values: V[]): void {
    this.#ready.push(...values);
    this.#answer();
  }

  end(): void {
    this.#end = { failed: false };
    this.#answer();
  }

  fail(error: unknown): void {
    this.#end = { failed: true, error };
    this.#answer();
  }

  #answer(): void {
    const pending = this.#pending;
    if (!pending) return;
    if (this.#ready.length > 0) pending.open({ done: false, value: this.#ready.shift()! });
    else if (this.#end?.failed) pending.fail(this.#end.error);
    else if (this.#end) pending.open({ done: true, value: undefined });
    else return;
    this.#pending = undefined;
  }

  [Symbol.asyncIterator](): AsyncIterator<V> {
    return {
      next: () => {
        this.pulls++;
        if (this.#pending) throw new Error('pulled while a pull is pending');
        const pending = (this.#pending = new Gate<IteratorResult<V>>());
        this.#answer();
        return pending.passed;
      },
      return: async () => {
        this.returns++;
        this.#pending?.open({ done: true, value: undefined });
        return { done: true, value: undefined };
      },
    };
  }
}
