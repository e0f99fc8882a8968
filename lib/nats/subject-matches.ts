/** Whether a stream's subject, which may have the wildcards `*` (one token) and `>` (all that follow), matches a subject without wildcards. */
export function subjectMatches(pattern: string, subject: string): boolean {
  const expected = pattern.split('.');
  const tokens = subject.split('.');
  if (expected.at(-1) === '>' ? tokens.length < expected.length : tokens.length !== expected.length) return false;
  return expected.every((token, index) => token === '>' || token === '*' || token === tokens[index]);
}
