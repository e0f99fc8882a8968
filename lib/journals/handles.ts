/** One object for each name, as long as somebody holds it: data keyed by the object (turns, states) is keyed by the name. */
export class Handles<H extends object> {
  readonly #make: (name: string) => H;
  readonly #handles = new Map<string, WeakRef<H>>();
  readonly #gone = new FinalizationRegistry<string>((name) => {
    if (this.peek(name) === undefined) this.#handles.delete(name);
  });

  constructor(make: (name: string) => H) {
    this.#make = make;
  }

  /** The object of a name, if somebody holds it. */
  peek(name: string): H | undefined {
    return this.#handles.get(name)?.deref();
  }

  get(name: string): H {
    const found = this.peek(name);
    if (found) return found;
    const handle = this.#make(name);
    this.#handles.set(name, new WeakRef(handle));
    this.#gone.register(handle, name);
    return handle;
  }
}
