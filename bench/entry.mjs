const TEXT = 'The quick brown fox jumps over the lazy dog, and the scrivener writes it down. '.repeat(2);

/** An entry whose line has about 200 bytes. */
export function entry(n) {
  return { type: 'Said', sender: 'user-' + (n % 100), text: TEXT.slice(0, 96) + n };
}
