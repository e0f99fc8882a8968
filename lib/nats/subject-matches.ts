/** Whether a stream's subject, which may have the wildcards `*` (one token) and `>` (all that follow), takes in a subject without any. */
export function subjectMatches(pattern: string, subject: string): boolean {
  const wanted = pattern.split('.');
  const tokens = subject.split('.');
  if (wanted.at(-1) === '>' ? tokens.length < wanted.length : tokens.length !== wanted.length) return false;
  return wanted.every((token, index) => token === '>' || token === '*' || token === tokens[index]);
}
