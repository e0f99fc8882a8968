/* eslint-disable @typescript-eslint/no-meaningless-void-operator -- what must not compile is written on purpose */
/** Type tests: `tsc` is the runner, nothing here is called. */
import type { Observable } from 'rxjs';
import {
  ContractDaemon,
  JsonEntrySerializer,
  ScrivenerError,
  type DaemonEvent,
  type DaemonStatus,
  type EntrySerializer,
  type ErrorCode,
  type FlushSink,
  type Scrivener,
  type Snapshot,
} from 'rx-scrivener';
import type { Equal, Expect } from './equal';

declare const events: Scrivener<DaemonEvent>;

class Mine extends ContractDaemon {
  protected override async onStart(): Promise<void> {
    await this.fail('x');
  }
  protected override async onShutdown(): Promise<void> {}
}

// @ts-expect-error -- a hook is missing
class Half extends ContractDaemon {
  protected override async onStart(): Promise<void> {}
}

export async function daemons(): Promise<void> {
  await using mine = new Mine({ daemonEvents: events, name: 'mine' });
  type Status = Expect<Equal<typeof mine.status, DaemonStatus>>;
  type Statuses = Expect<Equal<typeof mine.status$, Observable<DaemonStatus>>>;
  type Known = Expect<Equal<DaemonStatus, 'Stopped' | 'Running' | 'Completed' | 'Failed'>>;
  type Failure = Expect<Equal<ReturnType<typeof mine.waitForFailure>, Promise<unknown>>>;
  // @ts-expect-error -- protected
  await mine.fail('x');
  // @ts-expect-error -- protected
  await mine.onStart();
  // @ts-expect-error -- abstract
  new ContractDaemon();
  void (0 as unknown as [Status, Statuses, Known, Failure]);
  void Half;
}

export function codes(error: unknown): void {
  if (!(error instanceof ScrivenerError)) return;
  type Code = Expect<Equal<typeof error.code, ErrorCode>>;
  // @ts-expect-error -- no such code
  if (error.code === 'ERR_OTHER') return;
  // @ts-expect-error -- readonly
  error.code = 'ERR_JOURNAL_CLOSED';
  // @ts-expect-error -- abstract
  new ScrivenerError();
  void (0 as unknown as Code);
}

export function sinks(): void {
  const minimal: FlushSink<number> = { append: async () => undefined };
  const whole: FlushSink<number> = {
    append: async (snapshot: Snapshot<number>, lines?: readonly string[]) => void [snapshot, lines],
    recover: async function* () {
      yield { position: 1, entry: 1 };
    },
    close: async () => undefined,
  };
  // @ts-expect-error -- gives a promise
  const eager: FlushSink<number> = { append: () => undefined };
  const serializer: EntrySerializer<{ a: number }> = new JsonEntrySerializer<{ a: number }>();
  void [minimal, whole, eager, serializer];
}
