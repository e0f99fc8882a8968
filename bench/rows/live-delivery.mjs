import { ReplaySubject } from 'rxjs';
import { InMemoryScrivener } from 'rx-scrivener';
import { compare, perStep } from '../compare.mjs';
import { entry } from '../entry.mjs';
import { howOf, openPeer } from '../peers.mjs';

const COUNT = 200_000;
const SUBSCRIBERS = 10;
const entries = Array.from({ length: COUNT }, (_, n) => entry(n));

export const what = 'live delivery to 10 subscribers';
export const against = 'ReplaySubject';
export const atMost = 0.6;
export const unit = 'ns an entry';

async function deliver(stream$, write) {
  let delivered = 0;
  for (let n = 0; n < SUBSCRIBERS; n++) stream$.subscribe(() => delivered++);
  const figure = await perStep(COUNT, () => {
    for (const entry of entries) write(entry);
  });
  if (delivered !== COUNT * SUBSCRIBERS)
    throw new Error(`Expected ${COUNT * SUBSCRIBERS} deliveries, got ${delivered}`);
  return figure;
}

function ours() {
  const scrivener = new InMemoryScrivener();
  return deliver(scrivener.tail(), (entry) => scrivener.append(entry));
}

function theirs() {
  const subject = new ReplaySubject();
  return deliver(subject, (entry) => subject.next(entry));
}

export const run = () => compare({ ours, theirs });

export async function rowOf(peer) {
  async function theirs() {
    const subject = await openPeer(peer);
    return deliver(subject, (entry) => subject.next(entry));
  }
  return { what, against: `${peer}: ${await howOf(peer)}`, atMost: 1, unit, run: () => compare({ ours, theirs }) };
}
