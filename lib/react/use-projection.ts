import { useMemo } from 'react';
import type { Scrivener } from '../journal/scrivener';
import { project, type ProjectOptions } from '../state/project';
import type { Checkpoint, Projection } from '../state/projection';
import { useObservable } from './use-observable';

/**
 * The state of a projection, kept up to date, as {@link project} emits it; `undefined` until it has caught up. Rendered once a frame at most.
 *
 * Folds while the component is mounted; give it the same journal, projection and checkpoints at each rendering. Throws what the stream errors with,
 * while rendering, so that an error boundary shows it.
 *
 * @param scrivener - the journal; `undefined` while it is not open yet
 * @throws TypeError or RangeError, while rendering, that names the wrong argument
 * @example
 * ```tsx
 * const current = useProjection(scrivener, todos);
 * return <List todos={current?.state ?? []} />;
 * ```
 */
export function useProjection<E, S>(
  scrivener: Scrivener<E> | undefined,
  projection: Projection<E, S>,
  { checkpoints, every }: Omit<ProjectOptions<S>, 'signal'> = {},
): Checkpoint<S> | undefined {
  const states = useMemo(
    () => scrivener && project(scrivener, projection, { checkpoints, every }),
    [scrivener, projection, checkpoints, every],
  );
  return useObservable<Checkpoint<S> | undefined>(states, undefined);
}
