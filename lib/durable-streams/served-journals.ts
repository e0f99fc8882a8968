import type { Journals } from '../journals/journals';

/**
 * Opens journals by name, as {@link Journals} do: `journal` returns one without opening it, a write creates it, and a reader of a journal that
 * does not exist gets a {@link JournalNotFoundError}. Without `fork`, a request to fork a stream is answered with 501.
 */
export type ServedJournals = Pick<Journals<unknown>, 'journal' | 'create' | 'exists' | 'delete'> &
  Partial<Pick<Journals<unknown>, 'fork'>>;
