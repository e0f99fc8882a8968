import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** A file's lines, as the standard library reads them. */
export function linesOf(filePath) {
  return createInterface({ input: createReadStream(filePath), crlfDelay: Infinity });
}

/** How many lines a file has. */
export async function countLines(filePath) {
  let count = 0;
  for await (const chunk of createReadStream(filePath)) {
    for (let at = chunk.indexOf(0x0a); at >= 0; at = chunk.indexOf(0x0a, at + 1)) count++;
  }
  return count;
}
