import { useMemo } from 'react';
import type { Observable } from 'rxjs';
import type { ConnectionStatus } from '../journal/connection-status';
import { useObservable } from './use-observable';

const CONNECTING: ConnectionStatus = { status: 'connecting' };

/**
 * How a scrivener's server was found by the newest request, as `connected$` of a `RemoteScrivener` or a `JetStreamScrivener` tells it; `connecting` for
 * `undefined`, which stands for one that is not open yet. Rendered when it changes, once a frame at most.
 *
 * @example
 * ```tsx
 * const { status } = useConnection(remote);
 * return status === 'retrying' ? <p>You are offline.</p> : null;
 * ```
 */
export function useConnection(
  scrivener: { readonly connected$: Observable<ConnectionStatus> } | undefined,
): ConnectionStatus {
  // A getter may make a new one each time.
  const connected$ = useMemo(() => scrivener?.connected$, [scrivener]);
  return useObservable(connected$, CONNECTING);
}
