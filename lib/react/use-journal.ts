import { useMemo, useSyncExternalStore } from 'react';
import type { Scrivener } from '../journal/scrivener';
import { JournalView, type JournalSnapshot, type JournalViewOptions } from './journal-view';

/**
 * Shows a journal in a component: its end, live, and whatever part of it `show` is called for; rendered once a frame at most, however many
 * entries come. A {@link JournalView} of its own reads while the component is mounted, and another one once it is given another scrivener.
 *
 * What the journal fails with is the snapshot's `error`; nothing is thrown. Call `show` in an effect, with the range of a virtual list.
 *
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
  scrivener: Scrivener<T>,
  { keep, scheduler }: JournalViewOptions = {},
): JournalSnapshot<T> {
  const view = useMemo(() => new JournalView(scrivener, { keep, scheduler }), [scrivener, keep, scheduler]);
  return useSyncExternalStore(view.subscribe, view.getSnapshot, view.getSnapshot);
}
