import { firstValueFrom } from 'rxjs';
import { currentState, decide, InMemoryScrivener, project, type Projection } from 'rx-scrivener';
import { journalHandler, openRemoteScrivener } from 'rx-scrivener/http';

const texts: Projection<string, string> = { initial: () => '', evolve: (state, entry) => state + entry };

test('a remote journal has a state, which others change', async () => {
  const journal = new InMemoryScrivener<string>();
  const handle = journalHandler(journal, { authorize: 'public' });
  const remote = await openRemoteScrivener<string>({
    url: 'http://localhost/',
    fetch: (input, init) => handle(new Request(input, init)),
  });
  expect(await currentState(remote, texts)).toEqual({ position: 0, state: '' });
  for (const text of ['a', 'b']) journal.append(text);
  expect(await currentState(remote, texts)).toEqual({ position: 2, state: 'ab' });
  expect(await firstValueFrom(project(remote, texts))).toEqual({ position: 2, state: 'ab' });
  for await (const { position } of project(remote, texts)) {
    if (position === 3) break;
    journal.append('c');
  }
  // It has not heard of this one.
  journal.append('d');
  expect(await decide(remote, texts, () => undefined)).toMatchObject({ state: 'abcd' });
  const asked: string[] = [];
  const decided = decide(remote, texts, (state) => {
    asked.push(state);
    if (asked.length === 1) journal.append('x');
    return 'y';
  });
  expect(await decided).toEqual({ position: 6, state: 'abcdxy', written: [6] });
  expect(asked).toEqual(['abcd', 'abcdx']);
  await remote.close();
  expect(journal.observed).toBe(false);
});
