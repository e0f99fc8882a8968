/* global Observable */
// A program on RxJS 9, a part of which is still on RxJS 7: both write one journal, and both read it. Type-checked as well as run.
import { entries, InMemoryScrivener, isType, toAsyncIterable, writeTo } from 'rx-scrivener';
import { ColdObservable } from 'rxjs';
import { filter } from 'rxjs/filter';
import { map } from 'rxjs/map';
import { take } from 'rxjs/take';
import { lastValueFrom, map as map7, of } from 'rxjs-7';

/** @typedef {{ type: 'Said', text: string } | { type: 'Counted', n: number }} Entry */
/** @type {InMemoryScrivener<Entry>} */
const scrivener = new InMemoryScrivener();
/** @type {(text: string) => Entry} */
const said = (text) => ({ type: 'Said', text });

/** @type {ColdObservable<Entry>} */
const from9 = new ColdObservable((subscriber) => {
  subscriber.next(said('from 9'));
  subscriber.next({ type: 'Counted', n: 1 });
  subscriber.complete();
});
await lastValueFrom(writeTo(scrivener)(from9));
await lastValueFrom(of(said('from 7')).pipe(writeTo(scrivener)));

/** Each reader has one of its own: an Observable of the platform's that has a subscriber already has no replay for the next one. */
const texts = () =>
  Observable.from(scrivener.tail())
    [map](({ entry }) => entry)
    [filter](isType('Said'))
    [map](({ text }) => text);
/** @type {string[]} */
const in9 = [];
const leave = new AbortController();
texts().subscribe((text) => in9.push(text), { signal: leave.signal });
/** @type {string[]} */
const in7 = [];
const reading = scrivener
  .tail()
  .pipe(
    entries(),
    map7(({ type }) => type),
  )
  .subscribe((type) => in7.push(type));

const taken = await texts()[take](2).toArray();
/** @type {string[]} */
const pulled = [];
for await (const text of toAsyncIterable(texts())) if (pulled.push(text) === 2) break;
new Observable((subscriber) => {
  subscriber.next(said('later'));
}).subscribe(scrivener);
const turn = () => new Promise((resolve) => setTimeout(resolve));
for (let i = 0; i < 200 && in9.length < 3; i++) await turn();
leave.abort();
reading.unsubscribe();
for (let i = 0; i < 200 && scrivener.observed; i++) await turn();
console.log(JSON.stringify({ in9, in7, taken, pulled, observed: scrivener.observed }));
