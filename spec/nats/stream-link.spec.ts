import { JetStreamApiError, type JetStreamManager, type StreamInfo } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { JournalLostError } from 'rx-scrivener/nats';
import { StreamLink } from '../../lib/nats/stream-link';

const connection = {
  status: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }) }),
  closed: () => new Promise(() => undefined),
} as unknown as NatsConnection;
const info = { config: { name: 'chat' }, created: '', state: { last_seq: 0 } } as StreamInfo;
const notFound = new JetStreamApiError({ code: 404, err_code: 10059, description: 'stream not found' });

function failing(times: number, error: Error) {
  const link = new StreamLink(connection, {} as JetStreamManager, info);
  let left = times;
  const request = jest.fn(() => (left-- > 0 ? Promise.reject(error) : Promise.resolve('found')));
  return { request, answer: link.call(request) };
}

describe('StreamLink.call', () => {
  test('asks again where a server has not heard of the stream yet', async () => {
    const { request, answer } = failing(4, notFound);
    expect(await answer).toBe('found');
    expect(request).toHaveBeenCalledTimes(5);
  });

  test('rejects with JournalLostError where it is never found', async () => {
    const { request, answer } = failing(Infinity, notFound);
    await expect(answer).rejects.toBeInstanceOf(JournalLostError);
    await expect(answer).rejects.toMatchObject({ cause: notFound });
    expect(request).toHaveBeenCalledTimes(5);
  });

  test('does not ask again for what another answer would not change', async () => {
    const { request, answer } = failing(1, new JetStreamApiError({ code: 400, err_code: 10003, description: 'bad' }));
    await expect(answer).rejects.toBeInstanceOf(JournalLostError);
    expect(request).toHaveBeenCalledTimes(1);
  });
});
