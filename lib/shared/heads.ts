import type { Observable } from 'rxjs';
import { START, type Position } from '../journal/position';
import { Attempt } from '../http/client/attempt';
import type { Connection } from '../http/client/connection';
import { eventsOf } from '../http/client/events-of';
import { Unreachable } from '../http/client/retry-until-settled';
import { isPosition } from '../http/protocol';

/** The media type of a stream of a journal's last positions. */
export const HEADS_TYPE = 'application/vnd.rx-scrivener.heads';

/** The longest interval between two events, in milliseconds: the position is repeated. */
const HEARTBEAT_MS = 2_000;
/** A holder counts as silent after this time without an event. */
const SILENCE_MS = 3 * HEARTBEAT_MS;

const utf8 = new TextEncoder();

/** The last flushed position, and each later one; of those that come while one is being sent, only the last. Ends with the journal. */
export function headEvents(flushed$: Observable<Position>): ReadableStream<Uint8Array> {
  let newest = START;
  let isDue = true;
  let isOver = false;
  let wake = (): void => undefined;
  const report = () => {
    isDue = true;
    wake();
  };
  const end = () => {
    isOver = true;
    clearInterval(heartbeat);
    subscription.unsubscribe();
    wake();
  };
  const heartbeat = setInterval(report, HEARTBEAT_MS);
  const subscription = flushed$.subscribe((position) => {
    newest = position;
    report();
  });
  subscription.add(end);
  return new ReadableStream(
    {
      async pull(controller) {
        while (!isDue && !isOver) await new Promise<void>((resolve) => (wake = resolve));
        isDue = false;
        if (isOver) controller.close();
        else controller.enqueue(utf8.encode(`data:${newest}\n\n`));
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  );
}

/** Reads {@link headEvents} from the holder until the signal is aborted; if the holder ends or falls silent, asks again. */
export async function watchHeads(
  connection: Connection,
  note: (head: Position) => void,
  signal: AbortSignal,
): Promise<void> {
  let failure: unknown;
  for (let tries = 0; !signal.aborted; tries++) {
    if (tries > 0) await connection.pause(tries - 1, failure, signal);
    const attempt = new Attempt(signal);
    attempt.allow(SILENCE_MS);
    try {
      const { body } = await connection.request({
        method: 'GET',
        headers: { Accept: HEADS_TYPE },
        signal: attempt.signal,
      });
      for await (const events of eventsOf(body!, attempt, SILENCE_MS)) {
        tries = 0;
        const head = Number(events.at(-1)!.data);
        if (isPosition(head)) note(head);
      }
      failure = new Unreachable('The holder has gone');
    } catch (error) {
      failure = error;
    } finally {
      attempt.end();
    }
  }
}
