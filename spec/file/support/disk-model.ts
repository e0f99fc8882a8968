/** What a name of a directory stands for. */
export type DiskNode = DiskFile | DiskDirectory;

/** A state of a disk: what each name stands for, by name, and in the end bytes. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- a type alias cannot name itself there
export interface DiskState extends ReadonlyMap<string, DiskState | Buffer> {}

/** What happened and may be on the disk, in the order in which it happened; what was synced is. */
abstract class Changing<Content, Change> {
  #durable: Content;
  #pending: Change[] = [];

  constructor(content: Content) {
    this.#durable = content;
  }

  change(change: Change): void {
    this.#pending.push(change);
  }

  /** Returns what is to be called when the sync that begins now has ended: what came after its beginning is not synced by it. */
  sync(): () => void {
    const synced = [...this.#pending];
    return () => {
      // Another sync may have ended meanwhile.
      const left = this.#pending.filter((change) => synced.includes(change));
      this.#durable = this.after(this.#durable, left);
      this.#pending = this.#pending.filter((change) => !left.includes(change));
    };
  }

  /** As the running system sees it. */
  get now(): Content {
    return this.after(this.#durable, this.#pending);
  }

  /** What may be on the disk. */
  get possible(): Content[] {
    return this.possibleAfter(this.#durable, this.#pending);
  }

  protected abstract after(content: Content, changes: readonly Change[]): Content;
  protected abstract possibleAfter(content: Content, changes: readonly Change[]): Content[];
}

type FileChange = { readonly append: Buffer } | { readonly size: number };

/**
 * Bytes that are appended. Of what was not synced any part from its beginning on may be there, up to the middle of a line, with zeros in the place of
 * the rest, as file systems leave it that lengthen a file before they write its bytes.
 */
export class DiskFile extends Changing<Buffer, FileChange> {
  protected override after(content: Buffer, changes: readonly FileChange[]): Buffer {
    return changes.reduce<Buffer>(
      (bytes, change) => ('append' in change ? Buffer.concat([bytes, change.append]) : bytes.subarray(0, change.size)),
      content,
    );
  }

  protected override possibleAfter(content: Buffer, changes: readonly FileChange[]): Buffer[] {
    const found = [content];
    for (const change of changes) {
      const before = content;
      content = this.after(content, [change]);
      if ('append' in change) {
        const half = change.append.length >>> 1;
        for (const length of cuts(change.append)) {
          found.push(Buffer.concat([before, change.append.subarray(0, length)]));
        }
        for (const zeros of [change.append.length, half]) {
          found.push(Buffer.concat([content.subarray(0, content.length - zeros), Buffer.alloc(zeros)]));
        }
      }
      found.push(content);
    }
    return [...new Map(found.map((bytes) => [bytes.toString('latin1'), bytes])).values()];
  }
}

/** In the middle and at the ends of lines. */
function* cuts(bytes: Buffer): Generator<number> {
  yield* [bytes.length >>> 1, bytes.length - 1];
  for (let at = bytes.indexOf('\n'); at >= 0 && at < bytes.length - 1; at = bytes.indexOf('\n', at + 1)) {
    yield* [at, at + 1];
  }
}

/** A name that comes, goes, or moves: a rename is whole or not there. */
interface NameChange {
  readonly node: DiskNode;
  readonly from?: string;
  readonly to?: string;
}

/** Names. Of changes that were not synced any may be there without those before them: not every file system keeps to their order. */
export class DiskDirectory extends Changing<ReadonlyMap<string, DiskNode>, NameChange> {
  protected override after(
    names: ReadonlyMap<string, DiskNode>,
    changes: readonly NameChange[],
  ): ReadonlyMap<string, DiskNode> {
    const next = new Map(names);
    for (const { node, from, to } of changes) {
      if (from !== undefined && next.get(from) === node) next.delete(from);
      if (to !== undefined) next.set(to, node);
    }
    return next;
  }

  protected override possibleAfter(
    names: ReadonlyMap<string, DiskNode>,
    changes: readonly NameChange[],
  ): ReadonlyMap<string, DiskNode>[] {
    if (changes.length > 12) throw new Error(`${changes.length} names that were not synced are too many to try all`);
    return Array.from({ length: 2 ** changes.length }, (_, chosen) =>
      this.after(
        names,
        changes.filter((_, index) => (chosen >>> index) & 1),
      ),
    );
  }
}

/** Every state that a disk may be in. */
export function* statesOf(directory: DiskDirectory): Generator<DiskState> {
  for (const names of directory.possible) yield* combined([...names].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function* combined([first, ...rest]: readonly [string, DiskNode][]): Generator<DiskState> {
  if (first === undefined) {
    yield new Map<string, DiskState | Buffer>();
    return;
  }
  const [name, node] = first;
  const own = node instanceof DiskFile ? node.possible : [...statesOf(node)];
  for (const others of combined(rest)) for (const one of own) yield new Map([[name, one], ...others]);
}

/** The state that the running system sees. */
export function stateNow(directory: DiskDirectory): DiskState {
  return new Map(
    [...directory.now].map(([name, node]) => [name, node instanceof DiskFile ? node.now : stateNow(node)]),
  );
}
