import type { MsgHdrs } from '@nats-io/nats-core';
import { NEVER } from 'rxjs';
import { Publisher } from '../../lib/nats/publisher';
import type { StreamLink } from '../../lib/nats/stream-link';

/** A message that was published. */
interface Sent {
  readonly id: string;
  /** The id that the one before it has to have. */
  readonly previous: string;
  readonly entry: string;
  readonly reply: string;
}

/** A server that answers what it is told to, when it is told to. */
class FakeServer {
  readonly sent: Sent[] = [];
  #receive!: (error: null, message: unknown) => void;
  readonly link = {
    stream: 'fake',
    head: 0,
    lost: undefined,
    events$: NEVER,
    inbox: () => '_INBOX',
    noteHead: () => undefined,
    toJournalError: (error: Error) => error,
    ends: () => Promise.resolve({ first: 1, last: 1 }),
    connection: {
      subscribe: (_: string, options: { callback: (error: null, message: unknown) => void }) => {
        this.#receive = options.callback;
        return { unsubscribe: () => undefined };
      },
      publish: (_: string, entry: string, { headers, reply }: { headers: MsgHdrs; reply: string }) => {
        const [id, previous] = ['Nats-Msg-Id', 'Nats-Expected-Last-Msg-Id'].map((name) => headers.get(name));
        this.sent.push({ id: id!, previous: previous!, entry, reply });
      },
    },
  } as unknown as StreamLink;

  answer({ reply }: Sent, said: object): void {
    const message = { subject: reply, data: new Uint8Array(1), json: () => ({ stream: 'fake', seq: 0, ...said }) };
    this.#receive(null, message);
  }

  /** Resolves with what was published last, once there is as much. */
  async last(count: number): Promise<Sent> {
    while (this.sent.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(this.sent).toHaveLength(count);
    return this.sent.at(-1)!;
  }
}

const BROKEN = { error: { code: 400, err_code: 10070, description: 'wrong last msg ID: x' } };
const KNOWN = { seq: 0, duplicate: true };

describe('Entries that follow each other by their ids', () => {
  let server: FakeServer;
  let publisher: Publisher;
  let position: number;

  const write = (entry: string) => publisher.publish([entry], {});
  /** Two in the air, the second chained to the first. */
  const twoInTheAir = async () => {
    const promises = [write('a'), write('b')] as const;
    const b = await server.last(2);
    return { a: server.sent[0]!, b, promises };
  };

  beforeEach(async () => {
    server = new FakeServer();
    const how = { isAtomic: false, isClustered: true, isChainable: true };
    publisher = new Publisher(server.link, { subject: 'fake.journal', retryMs: 60_000, ...how });
    for (position = 1; position <= 20; position++) {
      const written = write('before');
      server.answer(await server.last(1), { seq: position });
      server.sent.length = 0;
      expect(await written).toBe(position);
    }
  });
  afterEach(() => publisher.close());

  test('the second names the first', async () => {
    const { a, b, promises } = await twoInTheAir();
    expect([a.entry, a.previous, b.entry, b.previous]).toEqual(['a', '', 'b', a.id]);
    server.answer(a, { seq: position });
    server.answer(b, { seq: position + 1 });
    expect(await Promise.all(promises)).toEqual([position, position + 1]);
  });

  test('one that did not follow is sent again under another id, after what was before it', async () => {
    const { a, b, promises } = await twoInTheAir();
    server.answer(b, BROKEN);
    await server.last(2);
    server.answer(a, { seq: position + 5 });
    const again = await server.last(3);
    expect([again.entry, again.previous]).toEqual(['b', '']);
    expect(again.id).not.toBe(b.id);
    server.answer(again, { seq: position + 6 });
    expect(await Promise.all(promises)).toEqual([position + 5, position + 6]);
  });

  test('one of which another copy may be taken is not: its own answer tells', async () => {
    const { a, b, promises } = await twoInTheAir();
    server.answer(a, KNOWN); // nothing is known of what became of it
    expect((await server.last(3)).id).toBe(a.id);
    server.answer(a, { seq: position });
    const copy = await server.last(4);
    expect([copy.id, copy.previous]).toEqual([b.id, '']);
    server.answer(b, BROKEN); // the first copy
    await server.last(4);
    server.answer(copy, { seq: position + 1 });
    expect(await Promise.all(promises)).toEqual([position, position + 1]);
    expect(server.sent).toHaveLength(4);
  });

  test('one whose copies are all refused is sent again under another id', async () => {
    const { a, b, promises } = await twoInTheAir();
    server.answer(a, KNOWN);
    await server.last(3);
    server.answer(a, { seq: position });
    const copy = await server.last(4);
    server.answer(copy, KNOWN);
    server.answer(b, BROKEN);
    const again = await server.last(5);
    expect(again.entry).toBe('b');
    expect(again.id).not.toBe(b.id);
    server.answer(again, { seq: position + 1 });
    expect(await Promise.all(promises)).toEqual([position, position + 1]);
  });

  test('one that expects a position is alone', async () => {
    const promises = [write('a'), publisher.publish(['b'], { expect: position }), write('c')];
    for (const entry of ['a', 'b', 'c']) {
      const sent = await server.last('abc'.indexOf(entry) + 1);
      expect([sent.entry, sent.previous]).toEqual([entry, '']);
      server.answer(sent, { seq: position++ });
    }
    expect(await Promise.all(promises)).toEqual([position - 3, position - 2, position - 1]);
  });
});
