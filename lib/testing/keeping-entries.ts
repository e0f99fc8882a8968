import { deepEqual } from './assertions';
import type { ConformanceCase } from './conformance-case';
import { noted, type ConformanceEntry, type JsonValue } from './conformance-entry';
import type { ConformanceRecord } from './watch';

const NOTES: Readonly<Record<string, JsonValue>> = {
  'plain text': 'said',
  'empty text': '',
  'text beyond ASCII': 'Grüße, 世界, 🖋️, e\u0301, \u{10ffff}',
  'half a surrogate pair': '\ud83d and \udd8b',
  'line breaks and control characters': 'a\nb\r\nc\td\u0000e\u001f\u007f\u0085\u2028\u2029\ufeff',
  'quotes and backslashes': '"\\"\'`${x}\\n',
  'text that looks like a record': '{"schemaVersion":"1","position":7,"entry":{}}\n',
  'text of 200,000 characters': 'ink🖋'.repeat(40_000),
  numbers: [0, -1, 0.1, 1e21, 1e-7, 5e-324, Number.MAX_VALUE, Number.MAX_SAFE_INTEGER],
  constants: [true, false, null],
  null: null,
  'nothing in an array and in an object': [[], {}],
  'nested values': { a: { b: [{ c: [[[{ d: null }]]] }] }, e: [1, 'two', { three: 3 }] },
  'keys in no order, empty and like numbers': { z: 1, '10': 2, '9': 3, a: 4, '': 5, ü: 6 },
  'keys that objects inherit': { constructor: 1, toString: 2, hasOwnProperty: 3, toJSON: 4, then: 5, length: 6 },
  'an own property __proto__': JSON.parse('{"__proto__":{"admin":true},"a":[{"__proto__":null}]}') as JsonValue,
};

const NOTED: readonly ConformanceEntry[] = Object.values(NOTES).map(noted);

function check(records: readonly ConformanceRecord[], description: string): void {
  deepEqual(
    records.map(({ position }) => position),
    NOTED.map((_, index) => index + 1),
    `The positions that ${description} gave`,
  );
  Object.keys(NOTES).forEach((name, index) =>
    deepEqual(records[index]?.entry, NOTED[index], `${name}, read by ${description}`),
  );
}

/** Entries come back as they were written. */
export const keepingEntries: readonly ConformanceCase[] = [
  {
    name: 'tail emits what was written before',
    given: NOTED,
    async run(trial) {
      const watch = trial.watch(trial.scrivener.tail());
      await watch.reaches(NOTED.length);
      check(watch.records, 'tail');
    },
  },
  {
    name: 'tail emits what is written meanwhile',
    async run(trial) {
      const watch = trial.watch(trial.scrivener.tail());
      for (const entry of NOTED) await trial.scrivener.write(entry);
      await watch.reaches(NOTED.length);
      check(watch.records, 'tail');
    },
  },
  {
    name: 'iteration yields what was written',
    given: NOTED,
    async run(trial) {
      const iteration = trial.iterate(trial.scrivener.tail());
      const records: ConformanceRecord[] = [];
      while (records.length < NOTED.length) records.push((await iteration.next()).value as ConformanceRecord);
      check(records, 'iteration');
    },
  },
  {
    name: 'readBackward emits what was written',
    given: NOTED,
    async run(trial) {
      check((await trial.collect(trial.scrivener.readBackward())).reverse(), 'readBackward');
    },
  },
  {
    name: 'waitFor passes what was written to `match`, and resolves with it',
    given: NOTED,
    async run({ scrivener }) {
      const records: ConformanceRecord[] = [];
      for (let after = 0; after < NOTED.length; after++) {
        const matched: ConformanceEntry[] = [];
        const record = await scrivener.waitFor(after, (entry) => matched.push(entry) > 0);
        deepEqual(matched, [record.entry], 'What `match` was called with');
        records.push(record);
      }
      check(records, 'waitFor');
    },
  },
];
