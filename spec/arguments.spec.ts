import * as core from 'rx-scrivener';
import { copyJournal } from 'rx-scrivener/file';
import { journalHandler, nodeListener, openRemoteScrivener } from 'rx-scrivener/http';
import { ScrivenerModule } from 'rx-scrivener/nestjs';
import { JournalView } from 'rx-scrivener/react';

/** The functions as JavaScript calls them. */
type Loose = Record<string, (...args: unknown[]) => unknown>;
type Made = Record<string, new (...args: unknown[]) => unknown>;
const call = core as unknown as Loose;
const make = core as unknown as Made;
const s = new core.InMemoryScrivener<unknown>();
const loose = s as unknown as Loose;
const sink = { append: async () => undefined };
const codec = { toEntry: String, toMessage: String };
const adapter = { incoming: [], deliver: () => undefined };
const bookmarks = { load: async () => 0, save: async () => undefined };
const yes = () => true;
const handle = journalHandler as unknown as (...args: unknown[]) => unknown;
const served = (options: object) => handle(s, { authorize: 'public', ...options });
const remote = openRemoteScrivener as unknown as (...args: unknown[]) => Promise<unknown>;
const url = 'http://localhost:1/';
const nest = ScrivenerModule as unknown as Loose;
const View = JournalView as unknown as new (...args: unknown[]) => unknown;
const filePath = 'data/never-made.ndjson';
const all = { initial: yes, evolve: yes };

const wrong: [title: string, what: RegExp, run: () => unknown][] = [
  ['InMemoryScrivener(null)', /options of `InMemoryScrivener`.*got null/, () => new make.InMemoryScrivener!(null)],
  ['InMemoryScrivener: unknown', /no option `retian`.*retain/, () => new make.InMemoryScrivener!({ retian: 5 })],
  ['InMemoryScrivener: serializer', /`serializer`/, () => new make.InMemoryScrivener!({ serializer: {} })],
  ['TappedScrivener()', /`inner`/, () => new make.TappedScrivener!()],
  ['TappedScrivener(s)', /`write`/, () => new make.TappedScrivener!(s)],
  ['bufferUntil()', /`predicate`/, () => call.bufferUntil!()],
  ['countThreshold()', /`count`/, () => call.countThreshold!()],
  ['elapsed()', /`ms`/, () => call.elapsed!()],
  ['elapsed: scheduler', /`scheduler`/, () => call.elapsed!(5, {})],
  ['byteThreshold()', /`bytes`/, () => call.byteThreshold!()],
  ['byteThreshold: sizeOf', /`sizeOf`/, () => call.byteThreshold!(5, 5)],
  ['anyOf', /`predicates\[1\]`/, () => call.anyOf!(yes, 5)],
  ['isType: no text', /`types\[1\]`.*got undefined/, () => call.isType!('Said', undefined)],
  ['discriminatedBy()', /`key`/, () => call.discriminatedBy!()],
  ['discriminatedBy: value', /`values\[0\]`.*got 5/, () => (call.discriminatedBy!('kind') as Loose[string])(5)],
  ['instanceOf()', /`constructor`/, () => call.instanceOf!()],
  ['waitFor()', /`match`/, () => call.waitFor!()],
  ['waitFor: timeout', /`timeout`.*"5"/, () => call.waitFor!(yes, { timeout: '5' })],
  ['waitFor: unknown', /no option `timout`.*timeout, signal/, () => call.waitFor!(yes, { timout: 5 })],
  ['toAsyncIterable: highWaterMark', /`highWaterMark`/, () => call.toAsyncIterable!([1], { highWaterMark: -1 })],
  ['toAsyncIterable: source', /`source`.*got 5/, () => call.toAsyncIterable!(5)],
  ['toAsyncIterable: overflow', /`overflow`/, () => call.toAsyncIterable!([1], { overflow: 'x' })],
  ['toAsyncIterable: unknown', /no option `highwatermark`/, () => call.toAsyncIterable!([1], { highwatermark: 2 })],
  ['toAsyncIterable: null', /options of `toAsyncIterable`/, () => call.toAsyncIterable!([1], null)],
  ['writeTo()', /`scrivener`/, () => call.writeTo!()],
  ['classSchema()', /`classes`/, () => call.classSchema!()],
  ['classSchema: key', /`key`/, () => call.classSchema!({}, { key: 5 })],
  ['classSchema: unknown', /no option `kind`/, () => call.classSchema!({}, { kind: 'x' })],
  ['flushingOf()', /`scrivener`/, () => call.flushingOf!()],
  ['FlusherDaemon()', /options of `FlusherDaemon`/, () => new make.FlusherDaemon!()],
  ['FlusherDaemon: scrivener', /`scrivener`/, () => new make.FlusherDaemon!({})],
  ['FlusherDaemon: sink', /`sink`.*without `append`/, () => new make.FlusherDaemon!({ scrivener: s, sink: {} })],
  ['FlusherDaemon: predicate', /`predicate`/, () => new make.FlusherDaemon!({ scrivener: s, sink, predicate: 5 })],
  [
    'FlusherDaemon: unknown',
    /`flushThreshold`/,
    () => new make.FlusherDaemon!({ scrivener: s, sink, flushThreshold: 5 }),
  ],
  [
    'FlusherDaemon: daemonEvents',
    /`daemonEvents`/,
    () => new make.FlusherDaemon!({ scrivener: s, sink, daemonEvents: {} }),
  ],
  ['FlusherDaemon: name', /`name`/, () => new make.FlusherDaemon!({ scrivener: s, sink, name: 5 })],
  ['AgentHost()', /`scrivener`/, () => new make.AgentHost!()],
  ['AgentHost(s)', /`codec`/, () => new make.AgentHost!(s)],
  ['AgentHost.ask', /`isAnswer`.*got 5/, () => new core.AgentHost(s, codec).ask('a', 5 as never)],
  ['AgentHost.ask: none', /`isAnswer`/, () => new core.AgentHost(s, codec).ask('a', undefined as never)],
  [
    'daemon.waitFor',
    /`status`.*got "Done"/,
    () => new core.FlusherDaemon({ scrivener: s, sink }).waitFor('Done' as never),
  ],
  ['jsonOnly', /`schema`.*got 5/, () => call.jsonOnly!(5)],
  ['AdapterHost()', /options of `AdapterHost`/, () => new make.AdapterHost!()],
  ['AdapterHost: scrivener', /`scrivener`/, () => new make.AdapterHost!({})],
  ['AdapterHost: adapter', /`adapter`/, () => new make.AdapterHost!({ scrivener: s, codec })],
  ['AdapterHost: codec', /`codec`/, () => new make.AdapterHost!({ scrivener: s, adapter, codec: {} })],
  [
    'AdapterHost: bookmarks',
    /`bookmarks`/,
    () => new make.AdapterHost!({ scrivener: s, adapter, codec, bookmarks: {} }),
  ],
  [
    'AdapterHost: unknown',
    /no option `bookmark`/,
    () => new make.AdapterHost!({ scrivener: s, adapter, codec, bookmark: 5 }),
  ],
  ['consume()', /`scrivener`/, () => call.consume!()],
  ['consume(s)', /`bookmarks`/, () => call.consume!(s)],
  ['consume(s, b)', /`handle`/, () => call.consume!(s, bookmarks)],
  ['consume: unknown', /no option `after`/, () => call.consume!(s, bookmarks, yes, { after: 5 })],
  ['lastEntries()', /`scrivener`/, () => call.lastEntries!()],
  ['lastEntries(s)', /`count`/, () => call.lastEntries!(s)],
  ['lastEntries: match', /`match`/, () => call.lastEntries!(s, 1, 5)],
  ['project()', /`scrivener`/, () => call.project!()],
  ['project(s)', /`projection`/, () => call.project!(s)],
  ['project: evolve', /`projection`.*without `evolve`/, () => call.project!(s, { initial: yes, evolve: {} })],
  [
    'project: checkpoints',
    /`checkpoints`.*without `save`/,
    () => call.project!(s, all, { checkpoints: { load: yes } }),
  ],
  ['project: every', /`every`.*got 0/, () => call.project!(s, all, { every: 0 })],
  ['project: signal', /`signal`/, () => call.project!(s, all, { signal: 5 })],
  ['project: unknown', /no option `checkpoint`/, () => call.project!(s, all, { checkpoint: {} })],
  ['currentState(s)', /`projection`/, () => call.currentState!(s)],
  ['currentState: unknown', /no option `every`/, () => call.currentState!(s, all, { every: 5 })],
  ['decide(s)', /`projection`/, () => call.decide!(s)],
  ['decide(s, all)', /`decision`/, () => call.decide!(s, all)],
  ['decide: retries', /`retries`/, () => call.decide!(s, all, yes, { retries: -1 })],
  ['decide: unknown', /no option `retry`/, () => call.decide!(s, all, yes, { retry: 3 })],
  ['projection()', /`projection`/, () => call.projection!()],
  ['writeOnce()', /`scrivener`/, () => call.writeOnce!()],
  ['writeOnce(s, 1)', /`isDuplicate`/, () => call.writeOnce!(s, 1)],
  ['writeOnce: unknown', /no option `before`/, () => call.writeOnce!(s, 1, yes, { before: 1 })],
  ['writeOnce: after', /`after`/, () => call.writeOnce!(s, 1, yes, { after: -1 })],
  ['ask()', /`scrivener`/, () => call.ask!()],
  ['ask(s, 1)', /`isAnswer`/, () => call.ask!(s, 1)],
  ['ask: unknown', /no option `timout`/, () => call.ask!(s, 1, yes, { timout: 1 })],
  ['copyJournal()', /`from`/, () => copyJournal(...([] as unknown as Parameters<typeof copyJournal>))],
  ['copyJournal: unknown', /no option `afer`/, () => (copyJournal as unknown as Loose[string])(s, s, { afer: 1 })],
  ['copyJournal(s)', /`to`/, () => copyJournal(...([s] as unknown as Parameters<typeof copyJournal>))],
  ['scrivener.waitFor()', /`after`/, () => loose.waitFor!()],
  ['scrivener.waitFor(0)', /`match`/, () => loose.waitFor!(0)],
  ['scrivener.waitFor: signal', /`signal`/, () => loose.waitFor!(0, yes, { signal: {} })],
  ['scrivener.waitFor: null', /options of `waitFor`/, () => loose.waitFor!(0, yes, null)],
  ['scrivener.tail: null', /options of `tail`/, () => loose.tail!(0, null)],
  ['scrivener.tail: after', /`after`.*"newest"/, () => loose.tail!('newest')],
  ['scrivener.tail: signal', /`signal`/, () => loose.tail!(0, { signal: 5 })],
  ['scrivener.tail: caughtUp', /`caughtUp`/, () => loose.tail!(0, { caughtUp: 5 })],
  ['scrivener.tail: unknown', /no option `caughtup`.*caughtUp/, () => loose.tail!(0, { caughtup: yes })],
  ['scrivener.readBackward: unknown', /no option `caughtUp`/, () => loose.readBackward!(5, { caughtUp: yes })],
  ['scrivener.write: null', /options of `write`/, () => loose.write!(1, null)],
  ['scrivener.write: signal', /`signal`/, () => loose.write!(1, { signal: 5 })],
  ['scrivener.write: unknown', /no option `expected`/, () => loose.write!(1, { expected: 0 })],
  ['journalHandler()', /`scrivener`/, () => handle()],
  ['journalHandler(s)', /options of `journalHandler`.*got undefined/, () => handle(s)],
  ['journalHandler: authorize', /`authorize`.*got "open"/, () => served({ authorize: 'open' })],
  ['journalHandler: no authorize', /`authorize`.*got undefined/, () => served({ authorize: undefined })],
  ['journalHandler: unknown', /no option `autorize` of `journalHandler`.*authorize/, () => served({ autorize: yes })],
  ['journalHandler: admit', /`admit`/, () => served({ admit: 5 })],
  ['journalHandler: schema', /`schema`/, () => served({ schema: {} })],
  ['journalHandler: onError', /`onError`/, () => served({ onError: 'log' })],
  ['journalHandler: whenFlushed', /`whenFlushed`/, () => served({ whenFlushed: true })],
  ['journalHandler: maxBodyBytes', /`maxBodyBytes`.*"1mb"/, () => served({ maxBodyBytes: '1mb' })],
  ['journalHandler: rememberMs', /`rememberMs`.*got -1/, () => served({ rememberMs: -1 })],
  ['journalHandler: rememberedWrites', /`rememberedWrites`.*`claim`/, () => served({ rememberedWrites: new Map() })],
  ['journalHandler: cors', /options of `cors`.*got true/, () => served({ cors: true })],
  ['journalHandler: no cors', /options of `cors`.*got null/, () => served({ cors: null })],
  ['journalHandler: cors.origin', /`cors.origin`.*got undefined/, () => served({ cors: {} })],
  ['journalHandler: cors unknown', /no option `origins` of `cors`/, () => served({ cors: { origins: '*' } })],
  ['nodeListener()', /`handler`/, () => (nodeListener as (...args: unknown[]) => unknown)()],
  ['forFile()', /`filePath`.*got undefined/, () => nest.forFile!()],
  ['forFile: filePath', /`filePath`.*got 5/, () => nest.forFile!({ filePath: 5 })],
  ['forFile: sink', /`sink`.*without `append`/, () => nest.forFile!({ filePath, sink: {} })],
  ['forFile: unknown', /no option `filepath` of `forFile`/, () => nest.forFile!({ filepath: filePath })],
  ['forFile: name', /`name`.*got 5/, () => nest.forFile!({ filePath, name: 5 })],
  ['forFile: flushThreshold', /`flushThreshold`.*"9"/, () => nest.forFile!({ filePath, flushThreshold: '9' })],
  ['forFileAsync()', /options of `forFileAsync`/, () => nest.forFileAsync!()],
  ['forFileAsync: useFactory', /`useFactory`/, () => nest.forFileAsync!({ useFactory: { filePath } })],
  [
    'forFileAsync: unknown',
    /no option `filePath`.*useFactory/,
    () => nest.forFileAsync!({ useFactory: yes, filePath }),
  ],
  ['forFileAsync: inject', /`inject`.*an array/, () => nest.forFileAsync!({ useFactory: yes, inject: 'a' })],
  ['forFileAsync: imports', /`imports`.*an array/, () => nest.forFileAsync!({ useFactory: yes, imports: {} })],
  ['forMemory: unknown', /no option `filePath` of `forMemory`/, () => nest.forMemory!({ filePath })],
  ['forMemory: retain', /`retain`.*got 0/, () => nest.forMemory!({ retain: 0 })],
  ['forMemory: name', /`name`.*got ""/, () => nest.forMemory!({ name: '' })],
  ['openRemoteScrivener()', /options of `openRemoteScrivener`/, () => remote()],
  ['openRemoteScrivener: url', /`url`.*got undefined/, () => remote({})],
  ['openRemoteScrivener: a text', /`url`.*a text that is no URL/, () => remote({ url: 'chat' })],
  ['openRemoteScrivener: protocol', /`url`.*got one of ftp:/, () => remote({ url: 'ftp://h' })],
  ['openRemoteScrivener: fetch', /`fetch`.*got 5/, () => remote({ url, fetch: 5 })],
  ['openRemoteScrivener: headers', /`headers`/, () => remote({ url, headers: { 'no name': 'x' } })],
  ['openRemoteScrivener: schema', /`schema`/, () => remote({ url, schema: {} })],
  ['openRemoteScrivener: retryMs', /`retryMs`.*"5"/, () => remote({ url, retryMs: '5' })],
  ['openRemoteScrivener: signal', /`signal`/, () => remote({ url, signal: {} })],
  ['openRemoteScrivener: unknown', /no option `retry`.*retryMs/, () => remote({ url, retry: 5 })],
  ['JournalView()', /`scrivener`/, () => new View()],
  ['JournalView: keep', /`keep`.*"100"/, () => new View(s, { keep: '100' })],
  ['JournalView: scheduler', /`scheduler`/, () => new View(s, { scheduler: {} })],
  ['JournalView: unknown', /no option `retain` of `JournalView`.*keep/, () => new View(s, { retain: 5 })],
];

test.each(wrong)('%s is told by its name', async (_, what, run) => {
  const error: unknown = await (async () => run())().then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(['TypeError', 'RangeError']).toContain((error as Error | undefined)?.name);
  expect((error as Error).message).toMatch(/^Expected /);
  expect((error as Error).message).toMatch(what);
  expect(s.head).toBe(0);
});

test('options that are undefined are as if left out', async () => {
  const made = new make.InMemoryScrivener!({ retain: undefined, other: undefined }) as typeof s;
  expect(await made.write(1, { expect: undefined, signal: undefined })).toBe(1);
  expect(() => made.tail(0, { caughtUp: undefined, signal: undefined, flushed: undefined })).not.toThrow();
  expect(() => served({ cors: undefined, admit: undefined, maxLimit: undefined, other: undefined })).not.toThrow();
  expect(() => nest.forFile!({ filePath, name: undefined, sink: undefined, other: undefined })).not.toThrow();
  expect(() => nest.forMemory!({ retain: undefined, token: undefined, other: undefined })).not.toThrow();
  expect(() => new View(s, { keep: undefined, scheduler: undefined })).not.toThrow();
});
