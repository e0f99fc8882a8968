// What runs in workerd: the conformance suite of the core in a worker, and journals that are served, one in each Durable Object.
import { DurableObject } from 'cloudflare:workers';
import { InMemoryScrivener } from 'rx-scrivener';
import { journalHandler } from 'rx-scrivener/http';
import { conformance } from './conformance.mjs';
import { CountedScrivener } from './counted-scrivener.mjs';

/** Workerd notices that a client has left when it next sends something: a sign of life at the latest. */
const NOTICED_MS = 500;

// A handler can be made here, too.
const ofModule = journalHandler(new InMemoryScrivener(), { authorize: 'public' });

export class Journal extends DurableObject {
  #serve(journal, tails, heartbeatMs) {
    const handle = journalHandler(journal, { authorize: 'public', heartbeatMs });
    this.served = { handle, tails, complete: () => journal.complete(), isObserved: () => journal.observed };
  }

  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    const [, , , command] = pathname.split('/');
    if (command === 'counted') {
      const journal = new CountedScrivener();
      this.#serve(journal, () => journal.tails, NOTICED_MS);
    } else if (command === 'plain') {
      const retain = searchParams.get('retain');
      this.#serve(new InMemoryScrivener(retain === null ? {} : { retain: Number(retain) }), () => 0, NOTICED_MS);
    } else if (command === 'complete') this.served.complete();
    else if (command === undefined) return this.served.handle(request);
    return Response.json({ tails: this.served.tails(), observed: this.served.isObserved() });
  }
}

export default {
  async fetch(request, { JOURNALS }) {
    const [, first, name] = new URL(request.url).pathname.split('/');
    if (first === 'journals') return JOURNALS.getByName(name).fetch(request);
    if (first === 'module') return ofModule(request);
    try {
      const create = (options) => ({ scrivener: new InMemoryScrivener(options) });
      return Response.json({ count: await conformance(create, { writeAll: true }) });
    } catch (error) {
      const errors = (error.errors ?? [error]).map((each) => `${each.message}: ${each.cause?.stack ?? each.stack}`);
      return Response.json({ errors }, { status: 500 });
    }
  },
};
