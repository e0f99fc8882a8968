const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
const OPEN = 0x7b;
const CLOSE = 0x7d;

/** Replaces each carriage return that ends a line with a newline. JSON has none between a closing and an opening brace. */
export async function* withNewlines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  /** The last byte other than a carriage return. */
  let before = 0;
  let endsInReturn = false;
  for await (const chunk of chunks) {
    // The end of a chunk waits for the next chunk.
    if (endsInReturn && chunk.length > 0)
      yield Buffer.of(before === CLOSE && chunk[0] === OPEN ? NEWLINE : CARRIAGE_RETURN);
    else if (chunk.length === 0) continue;
    for (let at = chunk.indexOf(CARRIAGE_RETURN); at >= 0; at = chunk.indexOf(CARRIAGE_RETURN, at)) {
      if (at > 0) before = chunk[at - 1]!;
      while (chunk[at] === CARRIAGE_RETURN) at++;
      if (before === CLOSE && chunk[at] === OPEN) chunk[at - 1] = NEWLINE;
    }
    endsInReturn = chunk.at(-1) === CARRIAGE_RETURN;
    if (!endsInReturn) before = chunk.at(-1)!;
    yield endsInReturn ? chunk.subarray(0, -1) : chunk;
  }
  if (endsInReturn) yield Buffer.of(CARRIAGE_RETURN);
}
