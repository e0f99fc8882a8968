import { useMemo, useSyncExternalStore } from 'react';
import { START } from '../journal/position';
import type { Scrivener } from '../journal/scrivener';
import { JournalView, type JournalSnapshot, type JournalViewOptions } from '../view/journal-view';

/** The snapshot of a journal that is not open yet. */
const NOT_OPEN: JournalSnapshot<never> = {
  head: START,
  first: START + 1,
  caughtUp: false,
  error: undefined,
  at: () => undefined,
  show: () => undefined,
};

const NO_VIEW: Pick<JournalView<never>, 'subscribe' | 'getSnapshot'> = {
  subscribe: () => () => undefined,
  getSnapshot: () => NOT_OPEN,
};

/**
 * Shows a journal in a component: its end, live, and whatever part of it `show` is called for; rendered once a frame at most, however many
 * entries come. A {@link JournalView} of its own reads while the component is mounted, and another one once it is given another scrivener.
 *
 * What the journal fails with is the snapshot's `error`; nothing is thrown. Call `show` in an effect, with the range of a virtual list.
 *
 * @param scrivener - the journal; `undefined` while it is not open yet: that is an empty one, which is not caught up
 * @throws RangeError or TypeError, while rendering, for a value that is not a scrivener and for invalid or unknown options
 * @example
 * ```tsx
 * const { head, at, show } = useJournal(scrivener);
 * const rows = useVirtualizer({ count: head, estimateSize: () => 32, getScrollElement: () => list.current });
 * const { startIndex, endIndex } = rows.range ?? { startIndex: 0, endIndex: 0 };
 * useEffect(() => show(startIndex + 1, endIndex + 1), [show, startIndex, endIndex]);
 * return rows.getVirtualItems().map(({ index }) => <Row key={index} record={at(index + 1)} />);
 * ```
 */
export function useJournal<T>(
  scrivener: Scrivener<T> | undefined,
  options: JournalViewOptions = {},
): JournalSnapshot<T> {
  const { keep, scheduler } = options;
  const view = useMemo(
    () => (scrivener === undefined ? NO_VIEW : new JournalView(scrivener, options)),
    [scrivener, keep, scheduler],
  );
  return useSyncExternalStore<JournalSnapshot<T>>(view.subscribe, view.getSnapshot, view.getSnapshot);
}
