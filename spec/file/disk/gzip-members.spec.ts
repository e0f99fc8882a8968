import { randomBytes } from 'node:crypto';
import { appendFileSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { GzipMembers, packed } from '../../../lib/file/disk/gzip-members';
import { useTempDir } from '../support/temp-dir';

const path = useTempDir();

async function* inChunks(bytes: Buffer, size: number) {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}

async function pack(text: string, size = CHUNK): Promise<Buffer> {
  const members: Buffer[] = [];
  for await (const member of packed(inChunks(Buffer.from(text), size))) members.push(member);
  return Buffer.concat(members);
}

async function membersOf(bytes: Buffer): Promise<GzipMembers> {
  writeFileSync(path('file.gz'), bytes);
  const file = await open(path('file.gz'));
  try {
    return await GzipMembers.of(file);
  } finally {
    await file.close();
  }
}

const COUNT = 50;
/** Little of it can be compressed, so that members are far enough apart. */
const LINES = Array.from({ length: COUNT }, (_, n) => `line ${n} wörd ${randomBytes(1_500).toString('base64')}\n`).join(
  '',
);
const CHUNK = 12 * 1024;

test.each([
  ['nothing', ''],
  ['lines', LINES],
  ['a line longer than many chunks', `short\n${'x'.repeat(200)}\nshort\n`],
  ['a last line without its newline', `${LINES}torn`],
  ['newlines alone', '\n'.repeat(40)],
  ['characters that a chunk cuts', '世界🖋️'.repeat(20) + '\n' + LINES],
])('any program decompresses %s', async (_, text) => {
  for (const size of text.length < 1_000 ? [1, 7, 16] : [1_000, CHUNK])
    expect(gunzipSync(await pack(text, size)).toString()).toBe(text);
});

test('every member begins with a line, and decompresses without what comes before it', async () => {
  const bytes = await pack(LINES);
  const { members, total } = await membersOf(bytes);
  expect(members.length).toBeGreaterThan(5);
  expect(total).toEqual({ lines: COUNT, byteOffset: Buffer.byteLength(LINES) });
  for (const { lines, byteOffset, packedOffset } of members) {
    const rest = gunzipSync(bytes.subarray(packedOffset)).toString();
    expect(rest).toBe(Buffer.from(LINES).toString('utf8', byteOffset));
    expect(rest.startsWith(`line ${lines} wörd `)).toBe(true);
  }
});

test('what a long line continues is no place to begin', async () => {
  const long = randomBytes(30_000).toString('base64');
  const text = `one\n${long}\ntwo\n${long}\nthree\n`;
  const { members, total } = await membersOf(await pack(text));
  expect(total).toEqual({ lines: 5, byteOffset: text.length });
  expect(members.length).toBeGreaterThan(1);
  for (const { byteOffset } of members) expect(byteOffset === 0 || text[byteOffset - 1] === '\n').toBe(true);
});

test('tiny members fill no memory: those that are close together count as one', async () => {
  const bytes = await pack(LINES.slice(0, 20_000), 16);
  const { members, total } = await membersOf(bytes);
  expect(total!.byteOffset).toBe(Buffer.byteLength(LINES.slice(0, 20_000)));
  expect(members.length).toBeLessThanOrEqual(1 + bytes.length / 4_096);
  for (const { byteOffset, packedOffset } of members)
    expect(
      gunzipSync(bytes.subarray(packedOffset)).equals(Buffer.from(LINES.slice(0, 20_000)).subarray(byteOffset)),
    ).toBe(true);
});

test('the member to begin with is the last one that does not begin after what is wanted', async () => {
  const found = await membersOf(await pack(LINES));
  const [first, second, third] = found.members as [
    (typeof found.members)[0],
    (typeof found.members)[0],
    (typeof found.members)[0],
  ];
  expect(found.withLine(0)).toBe(first);
  expect(found.withLine(second.lines - 1)).toBe(first);
  expect(found.withLine(second.lines)).toBe(second);
  expect(found.withByte(second.byteOffset)).toBe(second);
  expect(found.withByte(third.byteOffset - 1)).toBe(second);
  expect(found.withByte(1e9)).toBe(found.members.at(-1));
  expect(found.withLine(Number.MAX_SAFE_INTEGER)).toBe(found.members.at(-1));
});

describe('is decompressed from its beginning alone', () => {
  const whole = [[{ lines: 0, byteOffset: 0, packedOffset: 0 }], undefined];
  const expectWhole = async (bytes: Buffer) => {
    const { members, total } = await membersOf(bytes);
    expect([members, total]).toEqual(whole);
  };

  test('a file of another program', () => expectWhole(gzipSync(LINES)));
  test('an empty one', () => expectWhole(Buffer.alloc(0)));
  test('one to which another program has added', async () =>
    expectWhole(Buffer.concat([await pack(LINES), gzipSync('more\n')])));
  test('one that is cut', async () => {
    const bytes = await pack(LINES);
    for (const length of [1, 27, 28, bytes.length - 1]) await expectWhole(bytes.subarray(0, length));
  });
  test('one with something after it', async () => {
    await membersOf(await pack(LINES));
    appendFileSync(path('file.gz'), Buffer.alloc(512));
    const file = await open(path('file.gz'));
    const { total } = await GzipMembers.of(file);
    await file.close();
    expect(total).toBeUndefined();
  });
  test('one whose lengths lead nowhere', async () => {
    const bytes = await pack(LINES);
    bytes.writeUInt32LE(5, 16);
    await expectWhole(bytes);
    bytes.writeUInt32LE(0xffffffff, 16);
    await expectWhole(bytes);
  });
});
