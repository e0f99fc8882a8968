import { spawn } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { interruption, type Terminal } from './terminal/terminal';
import { isUrl } from './viewer/open-source';
import { ViewerServer } from './viewer/viewer-server';

/** How a journal is shown. */
export interface ViewOptions {
  /** The port on 127.0.0.1; default: any free port. */
  readonly port?: number;
  /** The field that says when an entry was written, for example `meta.at`. Default: one that is found */
  readonly timeField?: string;
  /** Whether to open the page in the system's browser. */
  readonly open?: boolean;
}

/** Serves a page that shows a file, the journals of a folder, or a journal at a URL, until the process is interrupted. */
export async function view(
  target: string,
  { port = 0, timeField, open = true }: ViewOptions,
  page: URL | undefined,
  terminal: Terminal,
): Promise<void> {
  if (page === undefined) throw new Error('Expected the page to be built');
  const interrupted = interruption();
  const ended = new Promise<void>((resolve) => interrupted.addEventListener('abort', () => resolve()));
  const isFolder = !isUrl(target) && (await stat(target)).isDirectory();
  const server = new ViewerServer({ target, isFolder, timeField, port, page: await readFile(page, 'utf8') });
  try {
    await Promise.race([server.start(), ended]);
    if (interrupted.aborted) return;
    await terminal.out.write(server.url);
    await terminal.out.flush();
    terminal.note('Ctrl-C ends it');
    if (open) openBrowser(server.url);
    await ended;
  } finally {
    await server.close();
  }
}

/** If there is no browser, the user has the printed address. */
function openBrowser(url: string): void {
  const [command, ...args] =
    process.platform === 'darwin'
      ? ['open']
      : process.platform === 'win32'
        ? ['rundll32', 'url.dll,FileProtocolHandler']
        : ['xdg-open'];
  spawn(command, [...args, url], { detached: true, stdio: 'ignore' })
    .on('error', () => undefined)
    .unref();
}
