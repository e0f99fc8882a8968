import { Subject } from 'rxjs';
import { headEvents, watchHeads } from '../../lib/shared/heads';
import { Connection } from '../../lib/http/client/connection';

test('what watches the heads ends when it is given up while the answer comes, and nobody is asked any more', async () => {
  const flushed$ = new Subject<number>();
  const left = new AbortController();
  const fetch = () => {
    const answer = new Response(headEvents(flushed$));
    left.abort();
    return Promise.resolve(answer);
  };
  const connection = new Connection({ url: new URL('http://journal.invalid'), headers: () => ({}), fetch });
  const heads: number[] = [];
  await watchHeads(connection, (head) => heads.push(head), left.signal);
  expect(flushed$.observed).toBe(false);
  expect(heads).toEqual([]);
});
