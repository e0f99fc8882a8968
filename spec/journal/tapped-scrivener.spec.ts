import {
  END,
  InMemoryScrivener,
  JournalStream,
  TappedScrivener,
  type Scrivener,
  type WriteOptions,
} from 'rx-scrivener';

test('writes in its own way, with the entry, the inner scrivener and the options it was given', async () => {
  const inner = new InMemoryScrivener<string>();
  const calls: unknown[][] = [];
  const tapped = new TappedScrivener<string>(inner, (entry, to, options) => {
    calls.push([entry, to, options]);
    return to.write(entry.toUpperCase(), options);
  });
  const options: WriteOptions = { expect: 1 };
  expect(await tapped.write('a')).toBe(1);
  expect(await tapped.write('b', options)).toBe(2);
  expect(calls).toEqual([
    ['a', inner, undefined],
    ['b', inner, options],
  ]);
  expect(calls[1]![2]).toBe(options);
  await expect(tapped.write('c', options)).rejects.toMatchObject({
    code: 'ERR_POSITION_CONFLICT',
    expected: 1,
    actual: 2,
  });
  expect((await inner.waitFor(1, () => true)).entry).toBe('B');
});

test('what write throws synchronously is a rejection', async () => {
  const tapped = new TappedScrivener<string>(new InMemoryScrivener<string>(), () => {
    throw new Error('refused');
  });
  let outcome: Promise<number> | undefined;
  expect(() => (outcome = tapped.write('a'))).not.toThrow();
  await expect(outcome).rejects.toThrow('refused');
});

test('writes synchronously where the inner one does', () => {
  const inner = new InMemoryScrivener<string>();
  void new TappedScrivener<string>(inner, (entry, to) => to.write(entry)).write('a');
  expect(inner.head).toBe(1);
});

test('reads as the inner one does', async () => {
  const inner = new InMemoryScrivener<string>();
  const tapped: Scrivener<string> = new TappedScrivener<string>(inner, (entry, to) => to.write(entry));
  for (const entry of ['a', 'b', 'c']) await tapped.write(entry);
  const log: string[] = [];
  tapped.tail(1).subscribe(({ entry }) => log.push(entry));
  tapped.readBackward(3).subscribe(({ entry }) => log.push(entry));
  tapped.tail().subscribe(({ entry }) => log.push(entry));
  tapped.readBackward().subscribe(({ entry }) => log.push(entry));
  expect(log.join('')).toBe('bcbaabccba');
  expect(tapped.tail()).toBeInstanceOf(JournalStream);
  expect(await tapped.waitFor(1, (entry) => entry !== 'b')).toEqual({ position: 3, entry: 'c' });
  expect(() => tapped.tail(-1)).toThrow(RangeError);
  expect(() => tapped.readBackward(-1)).toThrow(RangeError);
  await expect(tapped.waitFor(END, () => true)).rejects.toThrow(RangeError);
});

test('hands the options of reading on', async () => {
  const inner = new InMemoryScrivener<string>();
  const tapped = new TappedScrivener<string>(inner, (entry, to) => to.write(entry));
  const signal = AbortSignal.abort('gone');
  const errors: unknown[] = [];
  tapped.tail(0, { signal }).subscribe({ error: (error: unknown) => errors.push(error) });
  tapped.readBackward(END, { signal }).subscribe({ error: (error: unknown) => errors.push(error) });
  await tapped.waitFor(0, () => true, { signal }).catch((error: unknown) => errors.push(error));
  expect(errors).toEqual(['gone', 'gone', 'gone']);
});

test('taps can be nested', async () => {
  const inner = new InMemoryScrivener<string>();
  const tap = (to: Scrivener<string>, mark: string) =>
    new TappedScrivener<string>(to, (entry, next, options) => next.write(entry + mark, options));
  await tap(tap(inner, '1'), '2').write('a');
  expect((await inner.waitFor(0, () => true)).entry).toBe('a21');
});

test('begins and ends where the inner scrivener does', async () => {
  const inner = new InMemoryScrivener<string>({ retain: 2 });
  const tapped = new TappedScrivener<string>(inner, (entry, to) => to.write(entry));
  const heads: number[] = [];
  const subscription = tapped.head$.subscribe((head) => heads.push(head));
  for (const entry of ['a', 'b', 'c']) await tapped.write(entry);
  subscription.unsubscribe();
  expect({ first: tapped.first, head: tapped.head, heads }).toEqual({ first: 2, head: 3, heads: [0, 1, 2, 3] });

  const { write, tail, readBackward, waitFor } = inner;
  const bare: Scrivener<string> = { write, tail, readBackward, waitFor };
  const over = new TappedScrivener<string>(bare, (entry, to) => to.write(entry));
  for (const name of ['first', 'head', 'head$'] as const)
    expect(() => over[name]).toThrow(`Not supported: the inner scrivener has no \`${name}\``);
});
