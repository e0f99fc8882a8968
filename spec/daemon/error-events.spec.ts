import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toArray, firstValueFrom } from 'rxjs';
import {
  ContractDaemon,
  errorData,
  InMemoryScrivener,
  JsonEntrySerializer,
  SerializationError,
  type DaemonEvent,
  type Scrivener,
} from 'rx-scrivener';
import { openFileScrivener, readJournal } from 'rx-scrivener/file';

class Breaking extends ContractDaemon {
  protected override async onStart(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
  breakWith(error: unknown): Promise<void> {
    return this.fail(error);
  }
}

async function failWith(error: unknown, daemonEvents: Scrivener<DaemonEvent>): Promise<Breaking> {
  const daemon = new Breaking({ daemonEvents, name: 'd' });
  await daemon.start();
  await daemon.breakWith(error);
  return daemon;
}

const ring: { self?: unknown } = {};
ring.self = ring;
const hostile = new Proxy(
  {},
  {
    get() {
      throw new Error('do not look');
    },
  },
);
const circular = new Error('circular');
circular.cause = circular;

test('in memory it is the error itself', async () => {
  const events = new InMemoryScrivener<DaemonEvent>();
  const error = new Error('boom');
  await failWith(error, events);
  const [, failure] = await firstValueFrom((events.complete(), events.tail().pipe(toArray())));
  expect(failure?.entry).toEqual({ type: 'FailureOccurred', daemon: 'd', error });
  expect((failure?.entry as { error: unknown }).error).toBe(error);
  expect(Object.keys(failure!.entry)).toEqual(['type', 'daemon', 'error']);
});

test.each([
  [
    'an Error',
    new TypeError('bad', { cause: new Error('deep') }),
    { name: 'TypeError', message: 'bad', cause: { name: 'Error', message: 'deep' } },
  ],
  ['one with a code', new SerializationError('no text'), { name: 'SerializationError', code: 'ERR_SERIALIZATION' }],
  [
    "a system's",
    Object.assign(new Error('ENOSPC: no space'), { code: 'ENOSPC', errno: -28 }),
    { code: 'ENOSPC', message: 'ENOSPC: no space' },
  ],
  [
    'one with a bigint',
    Object.assign(new Error('big'), { size: 1n, code: 7 }),
    { name: 'Error', code: 7, message: 'big' },
  ],
  ['one that is its own cause', circular, { message: 'circular', cause: { message: 'circular' } }],
  ['a text', 'boom', { name: 'Error', message: 'boom' }],
  ['undefined', undefined, { message: 'undefined' }],
  ['a bigint', 5n, { message: '5' }],
  ['a symbol', Symbol('s'), { message: 'Symbol(s)' }],
  ['a plain object', { status: 503 }, { message: '{"status":503}' }],
  ['a ring', ring, { message: 'object' }],
  ['a proxy that throws', hostile, { name: 'Error', message: 'object' }],
])('%s is data in a file of events, and no event is lost', async (_, error, expected) => {
  const folder = await mkdtemp(join(tmpdir(), 'error-events-'));
  try {
    const filePath = join(folder, 'events.ndjson');
    const events = await openFileScrivener<DaemonEvent>({ filePath });
    await failWith(error, events);
    await events.close();
    const read = await firstValueFrom(readJournal<DaemonEvent>(filePath).pipe(toArray()));
    expect(read.map(({ entry }) => entry.type)).toEqual(['StatusChanged', 'FailureOccurred', 'StatusChanged']);
    expect(read[1]!.entry).toMatchObject({ daemon: 'd', error: expected });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('an events journal that stamps its events writes the data itself', () => {
  const event = { type: 'FailureOccurred', daemon: 'd', error: errorData(new RangeError('far')), at: 1 };
  const line = new JsonEntrySerializer().serialize({ position: 1, entry: event });
  expect(JSON.parse(line)).toMatchObject({ entry: { at: 1, error: { name: 'RangeError', message: 'far' } } });
});

test('the message is a text, whatever was thrown', () => {
  const odd = [undefined, null, 1n, Symbol('s'), () => 1, {}, { toJSON: () => undefined }, { message: 1, name: 2 }];
  for (const thrown of odd) expect(errorData(thrown)).toMatchObject({ message: expect.any(String) as string });
});
