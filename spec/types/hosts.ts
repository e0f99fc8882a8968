/* eslint-disable @typescript-eslint/no-meaningless-void-operator -- what must not compile is written on purpose */
/** Type tests: `tsc` is the runner, nothing here is called. */
import { of } from 'rxjs';
import {
  AdapterHost,
  AgentHost,
  type Adapter,
  type AdapterHostOptions,
  type BookmarkStore,
  type ContractDaemon,
  type DaemonEvent,
  type JournalStream,
  type MessageCodec,
  type Position,
  type Positioned,
  type Scrivener,
} from 'rx-scrivener';
import type { Equal, Expect } from './equal';

interface Said {
  type: 'Said';
  text: string;
}
interface Left {
  type: 'Left';
}
type Entry = Said | Left;

interface Question {
  kind: 'question';
  text: string;
}
interface Answer {
  kind: 'answer';
  text: string;
}
type Message = Question | Answer;

declare const scrivener: Scrivener<Entry>;
declare const codec: MessageCodec<Message, Entry>;
declare const codecOfNumbers: MessageCodec<number, Entry>;
declare const codecToNumbers: MessageCodec<Message, number>;
declare const adapter: Adapter<Message>;
declare const bookmarks: BookmarkStore;
declare const daemonEvents: Scrivener<DaemonEvent>;
declare const question: Question;
declare const isAnswer: (message: Message) => message is Answer;

export function codecs(): void {
  const right: MessageCodec<string, Entry> = {
    toEntry: (text) => ({ type: 'Said', text }),
    toMessage: (entry) => {
      type Given = Expect<Equal<typeof entry, Entry>>;
      void (0 as unknown as Given);
      return entry.type === 'Said' ? entry.text : undefined;
    },
  };
  type Taken = Expect<Equal<Parameters<typeof right.toEntry>, [message: string]>>;
  type Read = Expect<Equal<ReturnType<typeof right.toMessage>, string | undefined>>;
  // @ts-expect-error -- what is not for this side is undefined
  const withNull: MessageCodec<string, Entry> = { ...right, toMessage: () => null };
  // @ts-expect-error -- no such entry
  const foreign: MessageCodec<string, Entry> = { ...right, toEntry: (text) => ({ type: 'Sung', text }) };
  // @ts-expect-error -- translates at once
  const late: MessageCodec<string, Entry> = { ...right, toEntry: async (text) => ({ type: 'Said', text }) };
  // @ts-expect-error -- one way only
  const half: MessageCodec<string, Entry> = { toMessage: () => undefined };
  // @ts-expect-error -- a message is not undefined
  right.toEntry(right.toMessage({ type: 'Left' }));
  void [withNull, foreign, late, half];
  void (0 as unknown as [Taken, Read]);
}

export async function agents(): Promise<void> {
  const host = new AgentHost(scrivener, codec);
  type Host = Expect<Equal<typeof host, AgentHost<Message, Entry>>>;
  // @ts-expect-error -- a codec of other entries
  new AgentHost(scrivener, codecToNumbers);
  // @ts-expect-error -- the codec is required
  new AgentHost(scrivener);

  const received = await host.waitForMessage();
  type Received = Expect<Equal<typeof received, Positioned<Message>>>;
  await host.waitForMessage(3, { timeout: 1, signal: AbortSignal.abort() });
  // @ts-expect-error -- after is a position
  await host.waitForMessage('3');

  type Sent = Expect<Equal<ReturnType<typeof host.sendMessage>, Promise<Position>>>;
  await host.sendMessage(question);
  // @ts-expect-error -- a message, not an entry
  await host.sendMessage({ type: 'Said', text: 'x' });

  const answer = await host.ask(question, isAnswer, { timeout: 1 });
  type Narrowed = Expect<Equal<typeof answer, Positioned<Answer>>>;
  const inferred = await host.ask(question, (message) => message.kind === 'answer');
  // TypeScript infers the type guard.
  type Inferred = Expect<Equal<typeof inferred, Positioned<Answer>>>;
  const any = await host.ask(question, (message, asked): boolean => message.kind === 'answer' && asked > 1);
  type Any = Expect<Equal<typeof any, Positioned<Message>>>;
  const anchored = await host.ask(question, (message, asked): message is Answer => {
    type Given = Expect<Equal<[typeof message, typeof asked], [Message, Position]>>;
    void (0 as unknown as Given);
    return message.text === String(asked);
  });
  type Anchored = Expect<Equal<typeof anchored, Positioned<Answer>>>;
  // @ts-expect-error -- no such message
  await host.ask({ kind: 'order', text: 'x' }, isAnswer);
  // @ts-expect-error -- a timeout is a number
  await host.ask(question, isAnswer, { timeout: '1' });

  const messages = host.messages(3);
  type Messages = Expect<Equal<typeof messages, JournalStream<Message>>>;
  for await (const record of host.messages()) {
    type Each = Expect<Equal<typeof record, Positioned<Message>>>;
    void (0 as unknown as Each);
    // @ts-expect-error -- readonly
    record.entry = question;
  }
  void (0 as unknown as [Host, Received, Sent, Narrowed, Inferred, Any, Anchored, Messages]);
}

export function adapters(): void {
  const onlyOut: Adapter<Message> = { incoming: [], deliver: () => undefined };
  const late: Adapter<Message> = {
    incoming: of(question),
    deliver: async (message, position) => {
      type Given = Expect<Equal<[typeof message, typeof position], [Message, Position]>>;
      void (0 as unknown as Given);
    },
  };
  const pulled: Adapter<Message> = {
    incoming: (async function* () {
      yield question;
    })(),
    deliver: () => undefined,
  };
  // @ts-expect-error -- other messages come in
  const foreign: Adapter<Message> = { incoming: of('x'), deliver: () => undefined };
  // @ts-expect-error -- nothing to iterate or to subscribe to
  const single: Adapter<Message> = { incoming: question, deliver: () => undefined };
  // @ts-expect-error -- delivers other messages
  const narrow: Adapter<Message> = { incoming: [], deliver: (message: string) => void message };
  // @ts-expect-error -- deliver is required
  const deaf: Adapter<Message> = { incoming: [] };
  // @ts-expect-error -- readonly
  onlyOut.incoming = [];
  void [late, pulled, foreign, single, narrow, deaf];
}

export async function adapterHosts(): Promise<void> {
  await using host = new AdapterHost({ scrivener, adapter, codec });
  type Host = Expect<Equal<typeof host, AdapterHost<Message, Entry>>>;
  const daemon: ContractDaemon = host;
  new AdapterHost({ scrivener, adapter, codec, after: 3, daemonEvents, name: 'client' });
  new AdapterHost({ scrivener, adapter, codec, bookmarks });

  const options: AdapterHostOptions<Message, Entry> = { scrivener, adapter, codec };
  type Positions = Expect<Equal<typeof options.after, Position | undefined>>;
  type Bookmarks = Expect<Equal<typeof options.bookmarks, BookmarkStore | undefined>>;
  // @ts-expect-error -- readonly
  options.after = 3;
  // @ts-expect-error -- readonly
  options.codec = codec;

  // @ts-expect-error -- the adapter is required
  new AdapterHost({ scrivener, codec });
  // @ts-expect-error -- the codec is required
  new AdapterHost({ scrivener, adapter });
  // @ts-expect-error -- the scrivener is required
  new AdapterHost({ adapter, codec });
  // @ts-expect-error -- a codec of other messages
  new AdapterHost({ scrivener, adapter, codec: codecOfNumbers });
  // @ts-expect-error -- a codec of other entries
  new AdapterHost({ scrivener, adapter, codec: codecToNumbers });
  // @ts-expect-error -- after is a position
  new AdapterHost({ scrivener, adapter, codec, after: '3' });
  // @ts-expect-error -- a store, not a position
  new AdapterHost({ scrivener, adapter, codec, bookmarks: 3 });
  // @ts-expect-error -- no journal of events
  new AdapterHost({ scrivener, adapter, codec, daemonEvents: scrivener });
  // @ts-expect-error -- no such option
  new AdapterHost({ scrivener, adapter, codec, before: 3 });
  void daemon;
  void (0 as unknown as [Host, Positions, Bookmarks]);
}
