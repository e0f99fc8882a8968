import { NEVER } from 'rxjs';
import { AdapterHost, countThreshold, FlusherDaemon, InMemoryScrivener, lastEntries } from 'rx-scrivener';
import { journalHandler } from 'rx-scrivener/http';
import { copyJournal } from 'rx-scrivener/file';
import { HandSink } from '../flush/hand-sink';
import { PurgedScrivener } from './purged-scrivener';
import { settle } from './settle';

/** Each asks where a journal ends; this one ends at 3, and keeps no entry. */
describe('a journal that keeps no entry', () => {
  let journal: PurgedScrivener<string>;
  beforeEach(() => {
    journal = new PurgedScrivener();
    for (const text of 'abc') journal.append(text);
    journal.purge();
  });

  test('an adapter’s host starts at its end', async () => {
    const delivered: string[] = [];
    const host = new AdapterHost<string, string>({
      scrivener: journal,
      codec: { toEntry: (text) => text, toMessage: (text) => text },
      adapter: { incoming: NEVER, deliver: (text) => void delivered.push(text) },
    });
    await host.start();
    journal.append('d');
    await settle();
    expect([host.status, delivered]).toEqual(['Running', ['d']]);
    await host.shutdown();
  });

  test('a flusher that has all of it has nothing to flush', async () => {
    const sink = new HandSink<string>();
    const flusher = new FlusherDaemon({ scrivener: journal, sink, after: 3, predicate: countThreshold(10) });
    await flusher.start();
    await flusher.flush();
    journal.append('d');
    await flusher.flush();
    await flusher.shutdown();
    expect([flusher.status, sink.accepted]).toEqual(['Completed', [[4]]]);
  });

  test('a copy of what comes after it is empty, and a copy into it continues', async () => {
    const to = new InMemoryScrivener<string>();
    expect(await copyJournal(journal, to, { after: 3 })).toBe(0);
    const whole = new InMemoryScrivener<string>();
    for (const text of 'abcd') whole.append(text);
    expect(await copyJournal(whole, journal)).toBe(4);
    expect(await lastEntries(journal, 9)).toEqual([{ position: 4, entry: 'd' }]);
  });

  test('its server says where it ends', async () => {
    const handle = journalHandler(journal, { authorize: 'public' });
    const response = await handle(new Request('http://localhost/', { method: 'HEAD' }));
    expect([response.status, response.headers.get('ETag')]).toEqual([200, '"3"']);
  });

  test('there are no last entries', async () => {
    expect(await lastEntries(journal, 2)).toEqual([]);
  });
});
