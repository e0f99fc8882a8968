/** Type tests: `tsc` is the runner, nothing here is called. What must not compile would write a cat among dogs. */
import {
  type AgentHost,
  type InMemoryScrivener,
  JsonEntrySerializer,
  type TappedScrivener,
  type Adapter,
  type EntrySerializer,
  type FlushSink,
  type GroupWriter,
  type JournalStream,
  type MessageCodec,
  type Position,
  type Positioned,
  type Scrivener,
  type Snapshot,
} from 'rx-scrivener';
import type { FileAppendSink, FileScrivener } from 'rx-scrivener/file';
import type { RemoteScrivener } from 'rx-scrivener/http';
import type { IndexedDbScrivener } from 'rx-scrivener/indexeddb';
import type { JetStreamScrivener } from 'rx-scrivener/nats';

interface Animal {
  name: string;
}
interface Dog extends Animal {
  bark(): void;
}

declare const memory: InMemoryScrivener<Dog>;
declare const tapped: TappedScrivener<Dog>;
declare const file: FileScrivener<Dog>;
declare const remote: RemoteScrivener<Dog>;
declare const database: IndexedDbScrivener<Dog>;
declare const stream: JetStreamScrivener<Dog>;
declare const fileSink: FileAppendSink<Dog>;
declare const host: AgentHost<Dog, Dog>;

export function scriveners(): unknown {
  // @ts-expect-error -- takes cats
  const a: Scrivener<Animal> = memory;
  // @ts-expect-error -- takes cats
  const b: Scrivener<Animal> = tapped;
  // @ts-expect-error -- takes cats
  const c: Scrivener<Animal> = file;
  // @ts-expect-error -- takes cats
  const d: Scrivener<Animal> = remote;
  // @ts-expect-error -- takes cats
  const e: Scrivener<Animal> = database;
  // @ts-expect-error -- takes cats
  const f: Scrivener<Animal> = stream;
  // @ts-expect-error -- takes cats
  const g: InMemoryScrivener<Animal> = memory;
  // @ts-expect-error -- takes cats
  const h: TappedScrivener<Animal> = tapped;
  // @ts-expect-error -- takes cats
  const i: FileScrivener<Animal> = file;
  // @ts-expect-error -- takes cats
  const j: GroupWriter<Animal> = memory;
  const dogs: Scrivener<Dog>[] = [memory, tapped, file, remote, database, stream];
  const dogStream: JournalStream<Animal> = memory.tail();
  return [a, b, c, d, e, f, g, h, i, j, dogs, dogStream];
}

class DogSink implements FlushSink<Dog> {
  async append(snapshot: Snapshot<Dog>): Promise<void> {
    for (const { entry } of snapshot) entry.bark();
  }
}
class DogSerializer implements EntrySerializer<Dog> {
  serialize({ entry }: Positioned<Dog>): string {
    entry.bark();
    return '';
  }
  deserialize(): Positioned<Dog> {
    throw new Error('no dog');
  }
}
class DogCodec implements MessageCodec<Dog, Dog> {
  toEntry(message: Dog): Dog {
    return message;
  }
  toMessage(entry: Dog): Dog | undefined {
    return entry;
  }
}
class DogAdapter implements Adapter<Dog> {
  readonly incoming: Dog[] = [];
  deliver(message: Dog, _position: Position): void {
    message.bark();
  }
}

export function parts(): unknown {
  // @ts-expect-error -- is given cats
  const a: FlushSink<Animal> = new DogSink();
  // @ts-expect-error -- is given cats
  const b: FlushSink<Animal> = fileSink;
  // @ts-expect-error -- is given cats
  const c: EntrySerializer<Animal> = new DogSerializer();
  // @ts-expect-error -- is given cats
  const d: EntrySerializer<Animal> = new JsonEntrySerializer<Dog>();
  // @ts-expect-error -- is given cats
  const e: MessageCodec<Animal, Animal> = new DogCodec();
  // @ts-expect-error -- is given cats
  const f: Adapter<Animal> = new DogAdapter();
  // @ts-expect-error -- is given cats
  const g: AgentHost<Animal, Animal> = host;
  const wider: FlushSink<Dog> = { append: async (_: Snapshot<Animal>) => undefined };
  return [a, b, c, d, e, f, g, wider];
}
