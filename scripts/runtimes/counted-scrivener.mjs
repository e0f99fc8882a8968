import { InMemoryScrivener, JournalStream, TappedScrivener } from 'rx-scrivener';

/** A journal in memory that knows how many iterations of its tails are held. */
export class CountedScrivener extends TappedScrivener {
  tails = 0;

  constructor() {
    super(new InMemoryScrivener(), (entry, inner, options) => inner.write(entry, options));
  }

  tail(after, options) {
    const stream = super.tail(after, options);
    const iterate = () => {
      const records = stream[Symbol.asyncIterator]();
      let isHeld = true;
      this.tails++;
      const release = () => {
        if (isHeld) this.tails--;
        isHeld = false;
        return records.return();
      };
      return { next: () => records.next(), return: release };
    };
    return new JournalStream((subscriber) => stream.subscribe(subscriber), iterate);
  }
}
