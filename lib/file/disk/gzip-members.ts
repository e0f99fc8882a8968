import type { FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

/** How many bytes of a file are compressed as one member: the minimum that reading from any line costs. */
export const MEMBER_BYTES = 256 * 1024;

/** A part of a compressed file that begins with a line and can be decompressed on its own. */
export interface Member {
  /** How many lines come before it. */
  readonly lines: number;
  /** Its offset in the decompressed file. */
  readonly byteOffset: number;
  /** Its offset in the compressed file. */
  readonly packedOffset: number;
}

/** A member that begins closer to the one before it is not noted, so that a file of tiny ones does not fill the memory. */
const MIN_PACKED_BYTES = 4 * 1024;

const NEWLINE = 10;
/** A gzip header with the flag of an extra field, and that field (RFC 1952, 2.3.1.1): one subfield of three numbers. */
const HEADER_BYTES = 10;
const FLAGS = 3;
const HAS_EXTRA = 4;
const SUBFIELD = Buffer.from('RX');
const NUMBERS_BYTES = 12;
const EXTRA_BYTES = 2 + SUBFIELD.length + 2 + NUMBERS_BYTES;
const BEGINNING = Buffer.from([0x1f, 0x8b, 8, HAS_EXTRA]);

const compressed = promisify(gzip);

/**
 * Compresses a file of lines in members of whole lines. Like in BGZF, each member's header has its length and its number of lines; for any
 * other program it is an ordinary gzip file.
 *
 * @param chunks - its bytes, in parts of about {@link MEMBER_BYTES}
 */
export async function* packed(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  let rest = Buffer.alloc(0);
  let isEmpty = true;
  for await (const chunk of chunks) {
    const bytes = Buffer.concat([rest, chunk]);
    const end = bytes.lastIndexOf(NEWLINE) + 1 || bytes.length;
    yield await packedMember(bytes.subarray(0, end));
    rest = bytes.subarray(end);
    isEmpty = false;
  }
  if (rest.length > 0 || isEmpty) yield await packedMember(rest);
}

async function packedMember(bytes: Buffer): Promise<Buffer> {
  const member = (await compressed(bytes)) as Buffer;
  member[FLAGS]! |= HAS_EXTRA;
  const extra = Buffer.alloc(EXTRA_BYTES);
  extra.writeUInt16LE(EXTRA_BYTES - 2, 0);
  SUBFIELD.copy(extra, 2);
  extra.writeUInt16LE(NUMBERS_BYTES, 4);
  for (const [index, number] of [member.length + EXTRA_BYTES, bytes.length, countLines(bytes)].entries())
    extra.writeUInt32LE(number, 6 + 4 * index);
  return Buffer.concat([member.subarray(0, HEADER_BYTES), extra, member.subarray(HEADER_BYTES)]);
}

function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) lines++;
  return lines;
}

/** Where the members of a compressed file begin. Of a file that another program wrote, only the first is known. */
export class GzipMembers {
  private constructor(
    readonly members: readonly Member[],
    /** Their total; `undefined` if they are not known. */
    readonly total: Omit<Member, 'packedOffset'> | undefined,
  ) {}

  /** Reads them from the headers alone. */
  static async of(file: FileHandle): Promise<GzipMembers> {
    const { size } = await file.stat();
    const members: Member[] = [];
    let [lines, byteOffset, packedOffset] = [0, 0, 0];
    let next = 0;
    for (let beginsLine = true; packedOffset < size;) {
      const header = await readHeader(file, packedOffset);
      if (header === undefined) return new GzipMembers([FIRST], undefined);
      if (beginsLine && packedOffset >= next) {
        members.push({ lines, byteOffset, packedOffset });
        next = packedOffset + MIN_PACKED_BYTES;
      }
      packedOffset += header.packedBytes;
      byteOffset += header.bytes;
      lines += header.lines;
      beginsLine = header.lines > 0;
    }
    const isWhole = packedOffset === size && members.length > 0;
    return isWhole ? new GzipMembers(members, { lines, byteOffset }) : new GzipMembers([FIRST], undefined);
  }

  /** The member that holds an offset of the decompressed file. */
  withByte(byteOffset: number): Member {
    return this.#last((member) => member.byteOffset <= byteOffset);
  }

  /** The member that holds the line with this many lines before it. */
  withLine(lines: number): Member {
    return this.#last((member) => member.lines <= lines);
  }

  #last(isBefore: (member: Member) => boolean): Member {
    let low = 0;
    let high = this.members.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (isBefore(this.members[middle]!)) low = middle;
      else high = middle;
    }
    return this.members[low]!;
  }
}

const FIRST: Member = { lines: 0, byteOffset: 0, packedOffset: 0 };

/** The extra field of a member's header; `undefined` if it has none. */
async function readHeader(file: FileHandle, packedOffset: number) {
  const length = HEADER_BYTES + EXTRA_BYTES;
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, packedOffset);
  const extra = buffer.subarray(HEADER_BYTES);
  const isOwn =
    bytesRead === length &&
    buffer.subarray(0, BEGINNING.length).equals(BEGINNING) &&
    extra.readUInt16LE(0) === EXTRA_BYTES - 2 &&
    extra.subarray(2, 4).equals(SUBFIELD) &&
    extra.readUInt16LE(4) === NUMBERS_BYTES;
  const [packedBytes, bytes, lines] = [6, 10, 14].map((at) => extra.readUInt32LE(at)) as [number, number, number];
  return isOwn && packedBytes > length ? { packedBytes, bytes, lines } : undefined;
}
