import type { Msg } from '@nats-io/nats-core';
import { parseAcknowledgement } from '../../lib/nats/acknowledgement';
import type { Flight } from '../../lib/nats/flight';
import type { StreamLink } from '../../lib/nats/stream-link';

const link = { stream: 'chat', head: 7 } as unknown as StreamLink;
const answer = (said: object) => ({ json: () => said }) as unknown as Msg;
const read = (said: object, flight: Partial<Flight> = {}) =>
  parseAcknowledgement(answer({ stream: 'chat', ...said }), link, { size: 1, ...flight } as unknown as Flight);
const error = (err_code: number) => ({ seq: 0, error: { code: 400, err_code, description: 'wrong last sequence: 9' } });

describe('The answer to a flight', () => {
  test('gives the position of its first entry', () => {
    expect(read({ seq: 9 })).toEqual({ position: 9, isDuplicate: false });
    expect(read({ seq: 9, duplicate: true })).toEqual({ position: 9, isDuplicate: true });
    expect(read({ seq: 9, batch: 'b', count: 3 }, { size: 3 })).toEqual({ position: 7, isDuplicate: false });
  });

  test('that it is the duplicate of one without a position is no answer about that one', () => {
    expect(read({ seq: 0, duplicate: true })).toBe('known');
  });

  test('that another message is the last tells of this copy alone', () => {
    expect(read(error(10070))).toBe('broken');
  });

  test.each([10008, 10076, 10158, 10167, 10176, 10210])('%d leaves open what becomes of it', (code) => {
    expect(read(error(code))).toBeUndefined();
  });

  test('that its batch is stored does not say where', () => {
    expect(read(error(10201))).toEqual({ position: undefined, isDuplicate: true });
  });

  test.each([
    [10071, { expect: 8 }, { code: 'ERR_POSITION_CONFLICT', expected: 8, actual: 9 }],
    [10071, {}, { code: 'ERR_WRITE_REFUSED' }],
    [10054, {}, { code: 'ERR_SERIALIZATION' }],
    [10174, {}, { code: 'ERR_NOT_SUPPORTED' }],
    [10199, {}, { code: 'ERR_WRITE_REFUSED' }],
  ])('%d is an error of its own (%j)', (code, flight, expected) => {
    expect(read(error(code), flight)).toEqual({ error: expect.objectContaining(expected) as Error });
  });
});
