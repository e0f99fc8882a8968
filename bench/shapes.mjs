const WORDS = 'one line that somebody has said in a room of people, and';

/** Entries of several shapes, so that nothing is tuned to one. */
export const SHAPES = {
  chunk: {
    what: 'four members with a number, 150 bytes a line',
    entry: (n) => ({ type: 'ChatChunk', sender: 'BOT', text: `${WORDS} ${n}`, at: 1_790_000_000_000 + n }),
  },
  message: {
    what: 'a chat message of 2 kB, not all of it ASCII',
    entry: (n) => ({
      type: 'Said',
      sender: 'Zoë',
      text: `${'Grüße aus 東京, “quoted” words and an emoji 🖋️. '.repeat(30)}${n}`,
    }),
  },
  nested: {
    what: 'nested objects with numbers and booleans',
    entry: (n) => ({
      type: 'Moved',
      at: { x: n / 8, y: -n, z: 0 },
      by: { id: n % 100, isAdmin: n % 7 === 0, rights: { read: true, write: false, level: n % 5 } },
      isLast: false,
    }),
  },
  numbers: {
    what: 'an array of 50 numbers',
    entry: (n) => Array.from({ length: 50 }, (_, index) => (n + index) / 4),
  },
  text: { what: 'a text alone', entry: (n) => `${WORDS} ${n}` },
};
