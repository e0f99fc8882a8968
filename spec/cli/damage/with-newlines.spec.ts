import { withNewlines } from '../../../lib/cli/damage/with-newlines';

async function changed(text: string, size: number): Promise<string> {
  const chunks: Buffer[] = [];
  for (let from = 0; from < text.length; from += size) chunks.push(Buffer.from(text.slice(from, from + size)));
  const out: Buffer[] = [];
  async function* source() {
    yield* chunks;
    await Promise.resolve();
  }
  for await (const chunk of withNewlines(source())) out.push(Buffer.from(chunk));
  return Buffer.concat(out).toString();
}

test.each([
  ['{1}\r{2}\r{3}\r', '{1}\n{2}\n{3}\r'],
  ['{1}\r\r{2}\r\r\r{3', '{1}\r\n{2}\r\r\n{3'],
  ['{1}\r\n{2}\r\n', '{1}\r\n{2}\r\n'],
  ['{"a":\r{2}\r}\r', '{"a":\r{2}\r}\r'],
  ['\r{\r\r}x\r{', '\r{\r\r}x\r{'],
  ['', ''],
])('%j', async (text, expected) => {
  for (let size = 1; size <= text.length + 1; size++) expect(await changed(text, size)).toBe(expected);
});
