/** Type tests: `tsc` is the runner, nothing here is called. A guard narrows however the result's type is declared. */
import { filter, firstValueFrom, type Observable } from 'rxjs';
import {
  type AgentHost,
  ask,
  discriminatedBy,
  entries,
  type InMemoryScrivener,
  instanceOf,
  isType,
  lastEntries,
  waitFor,
  type JournalStream,
  type OfType,
  type Positioned,
  type Scrivener,
} from 'rx-scrivener';
import type { Equal, Expect } from './equal';

interface Asked {
  type: 'Asked';
  question: string;
}
interface Answered {
  type: 'Answered';
  answer: string;
}
interface Left {
  type: 'Left';
}
type Event = Asked | Answered | Left;

declare const scrivener: Scrivener<Event>;
declare const memory: InMemoryScrivener<Event>;
declare const host: AgentHost<Event, Event>;
declare function take(answer: Positioned<Answered> | unknown[]): void;
const question: Asked = { type: 'Asked', question: '?' };

export function returned(): Promise<Positioned<Answered>> {
  return scrivener.waitFor(0, isType('Answered'));
}

export async function returnedAsync(): Promise<Positioned<Answered>> {
  return scrivener.waitFor(0, isType('Answered'));
}

export async function returnedAwaited(): Promise<Positioned<Answered>> {
  return await ask(scrivener, question, isType('Answered'));
}

export class Member {
  readonly answer: Promise<Positioned<Answered>> = memory.waitFor(0, isType('Answered'));
  readonly answers: Observable<Answered> = memory.tail().pipe(entries(), filter(isType('Answered')));
  readonly stream: JournalStream<Answered> = memory.tail(0, { match: isType('Answered') });
}

export async function declared(): Promise<unknown> {
  const a: Promise<Positioned<Answered>> = scrivener.waitFor(0, isType('Answered'));
  const b: Positioned<Answered> = await scrivener.waitFor(0, isType('Answered'));
  const c: Positioned<Answered | Asked> = await scrivener.waitFor(0, isType('Answered', 'Asked'));
  const d: Promise<Positioned<Answered>> = ask(scrivener, question, isType('Answered'));
  const e: Promise<Positioned<Answered>> = host.ask(question, isType('Answered'));
  const f: Promise<Positioned<Answered>[]> = lastEntries(scrivener, 3, isType('Answered'));
  const g: Observable<Positioned<Answered>> = scrivener.tail().pipe(waitFor(isType('Answered')));
  const h: Promise<Answered> = firstValueFrom(scrivener.tail().pipe(entries(), filter(isType('Answered'))));
  const i: JournalStream<Answered> = scrivener.readBackward(9, { match: isType('Answered') });
  const j: Answered[] = [question as Event].filter(isType('Answered'));
  const k = scrivener.waitFor(0, isType('Answered')) satisfies Promise<Positioned<Answered>>;
  take(await scrivener.waitFor(0, isType('Answered')));
  // Wider than what comes.
  const l: Promise<Positioned<Event>> = scrivener.waitFor(0, isType('Answered'));
  // @ts-expect-error -- no such type, also where the result is declared
  const m: Promise<Positioned<Answered>> = scrivener.waitFor(0, isType('Answerd'));
  // @ts-expect-error -- another type
  const n: Promise<Positioned<Answered>> = scrivener.waitFor(0, isType('Asked'));
  return [a, b, c, d, e, f, g, h, i, j, k, l, m, n];
}

class Question {
  constructor(readonly text: string) {}
}
class Reply {
  constructor(readonly answer: string) {}
}
declare const classes: Scrivener<Question | Reply>;

export async function instances(): Promise<Positioned<Reply>> {
  const a: Promise<Positioned<Reply>> = classes.waitFor(0, instanceOf(Reply));
  const b: JournalStream<Reply> = classes.tail(0, { match: instanceOf(Reply) });
  const c: Observable<Reply> = classes.tail().pipe(entries(), filter(instanceOf(Reply)));
  take([a, b, c]);
  return ask(classes, new Question('?'), instanceOf(Reply));
}

type Kinds = { kind: 'said'; text: string } | { kind: 'left'; by: string } | { kind: `x-${string}`; data: number };
declare const kinds: Scrivener<Kinds>;

export async function otherKeys(): Promise<unknown> {
  const isKind = discriminatedBy('kind');
  const said = await kinds.waitFor(0, isKind('said'));
  type Said = Expect<Equal<(typeof said)['entry']['text'], string>>;
  const left: JournalStream<{ kind: 'left'; by: string }> = kinds.tail(0, { match: isKind('left') });
  const either: Observable<{ kind: 'said'; text: string } | { kind: 'left'; by: string }> = kinds
    .tail()
    .pipe(entries(), filter(isKind('said', 'left')));
  const open = await kinds.waitFor(0, isKind('x-1'));
  type Open = Expect<Equal<(typeof open)['entry']['data'], number>>;
  // @ts-expect-error -- no such kind
  await kinds.waitFor(0, isKind('sayd'));
  // @ts-expect-error -- these entries have no `kind`
  await scrivener.waitFor(0, isKind('said'));
  return [said, left, either, open, undefined as unknown as [Said, Open]];
}

export type Members = [
  Expect<Equal<OfType<Event, 'Asked'>, Asked>>,
  Expect<Equal<OfType<Event, 'Asked' | 'Left'>, Asked | Left>>,
];
