import { assertOptions, shown } from '../errors/assert-argument';
import { SerializationError } from '../errors/serialization-error';
import { assertPosition } from '../journal/position';
import type { Checkpoint, CheckpointStore } from '../state/projection';
import { absolutePathOf } from './disk/file-path';
import { SavedText } from './disk/saved-text';

/** Which states a file is for. */
export interface FileCheckpointOptions {
  /**
   * The version of the state's shape and of the projection, any string: change it when they change, and the state is rebuilt. A checkpoint of another version is
   * ignored, and replaced by the next one. Default: no version.
   */
  readonly version?: string;
}

const OPTIONS: Record<keyof FileCheckpointOptions, true> = { version: true };

/**
 * A checkpoint in its own file, `{"version":"1","position":7,"state":…}`: a crash leaves the old one or the new one, like {@link FileBookmarkStore}.
 *
 * The state must be JSON: it is loaded as plain objects, arrays, strings, numbers, booleans and `null`.
 *
 * @example
 * ```ts
 * const checkpoints = new FileCheckpointStore<readonly string[]>('data/todos.json', { version: '1' });
 * project(scrivener, todos, { checkpoints }).subscribe(({ state }) => render(state));
 * ```
 */
export class FileCheckpointStore<S> implements CheckpointStore<S> {
  readonly #file: SavedText;
  readonly #version: string | undefined;

  /**
   * @param filePath - a path or a `file:` URL
   * @throws TypeError that names an invalid or unknown option
   */
  constructor(filePath: string | URL, options: FileCheckpointOptions = {}) {
    this.#file = new SavedText(absolutePathOf('filePath', filePath));
    assertOptions('FileCheckpointStore', options, OPTIONS);
    const { version } = options as { readonly version?: unknown };
    if (version !== undefined && typeof version !== 'string')
      throw new TypeError(`Expected \`version\` to be a text, got ${shown(version)}`);
    this.#version = version;
  }

  /**
   * Resolves with `undefined` if there is no file, if it is of another version, and if it holds no checkpoint: the state can be rebuilt from the journal.
   *
   * Rejects with the system's error if the file cannot be read.
   */
  async load(): Promise<Checkpoint<S> | undefined> {
    const text = await this.#file.load();
    if (text === undefined) return undefined;
    try {
      const { version, position, state } = JSON.parse(text) as Partial<Checkpoint<S>> & { readonly version?: unknown };
      assertPosition('position', position);
      return version === this.#version && state !== undefined ? { position, state } : undefined;
    } catch {
      return undefined;
    }
  }

  /**
   * Creates directories. Rejects with {@link SerializationError} for a state that JSON cannot hold (`undefined`, a bigint, a cycle, a `Map`, a `Set`),
   * `RangeError` for a value that is not a position, and with the system's error if the file cannot be written.
   */
  async save({ position, state }: Checkpoint<S>): Promise<void> {
    assertPosition('position', position);
    await this.#file.save(
      `${JSON.stringify({ version: this.#version, position }).slice(0, -1)},"state":${jsonOf(state)}}\n`,
    );
  }
}

function jsonOf(state: unknown): string {
  const loadable = (_key: string, value: unknown) => {
    if (value instanceof Map || value instanceof Set) throw new TypeError('a Map or a Set would be loaded as {}');
    return value;
  };
  let json;
  try {
    json = JSON.stringify(state, loadable) as string | undefined;
  } catch (cause) {
    throw new SerializationError((cause as Error).message, { cause }, 'state');
  }
  if (json === undefined) throw new SerializationError(`JSON cannot hold ${typeof state}`, undefined, 'state');
  return json;
}
