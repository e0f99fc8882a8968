/** A fenced code block. */
export interface CodeBlock {
  /** What stands behind the fence's language, such as `runnable`. */
  readonly info: string;
  readonly language: string;
  readonly text: string;
  /** The line of the file, from 1, that its text begins at. */
  readonly line: number;
  /** The block that comes next, in which an example has its output. */
  readonly next: CodeBlock | undefined;
}

/** The fenced code blocks of a Markdown text, in order. */
export function codeBlocks(markdown: string): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let next: CodeBlock | undefined;
  for (const match of [...markdown.matchAll(/^```(\w*)[ ]*(.*)\n([^]*?)^```$/gm)].reverse()) {
    const [, language = '', info = '', text = ''] = match;
    const line = markdown.slice(0, match.index).split('\n').length + 1;
    next = { language, info, text, line, next };
    blocks.unshift(next);
  }
  return blocks;
}
