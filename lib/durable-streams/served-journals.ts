import type { Journals } from '../journals/journals';

/**
 * What opens journals by name, as {@link Journals} do: `journal` gives one without opening it, a write to it creates it, and a reader of one that
 * does not exist gets a {@link JournalNotFoundError}. Without `fork`, a request to fork a stream is answered with 501.
 */
export type ServedJournals = Pick<Journals<unknown>, 'journal' | 'create' | 'exists' | 'delete'> &
  Partial<Pick<Journals<unknown>, 'fork'>>;
