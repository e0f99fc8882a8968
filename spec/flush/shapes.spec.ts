import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { JsonEntrySerializer } from 'rx-scrivener';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function heldBytes(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

/** Keys that no other object has, of lengths that differ. */
function dictionary(round: number, keys: number, length: number): Record<string, number> {
  const entries = Array.from({ length: keys }, (_, n) => {
    const key = `${round}-${n}-${Math.random()}`;
    return [key.padEnd(length + ((round * 7 + n) % 60), 'k'), n] as const;
  });
  return Object.fromEntries(entries);
}

/* What the serializer remembers of the objects that it has met is bounded, whatever they are. */
test.each([
  ['100 dictionaries of 5,000 keys', 100, 5_000, 20],
  ['3,000 of 40 keys', 3_000, 40, 20],
  ['300 of 40 long keys', 300, 40, 2_000],
])('%s do not stay in memory', (_, rounds, keys, length) => {
  const serializer = new JsonEntrySerializer<Record<string, number>>();
  const serialize = (round: number) => {
    const entry = dictionary(round, keys - (round % 20), length);
    const line = serializer.serialize({ position: 1, entry });
    expect(line.length).toBeGreaterThan(keys);
  };
  serialize(0);
  const before = heldBytes();
  for (let round = 1; round <= rounds; round++) serialize(round);
  expect(heldBytes() - before).toBeLessThan(4_000_000);
});
