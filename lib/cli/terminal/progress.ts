import cliProgress from 'cli-progress';
import { printable } from './wording';

/** Shows the progress of something. */
export interface Progress {
  update(bytes: number): void;
  stop(): void;
}

/** A smaller file is read before anybody needs a progress bar. */
const LONG_BYTES = 8 * 1024 * 1024;
const STEP_BYTES = 256 * 1024;

const SILENT: Progress = { update: () => undefined, stop: () => undefined };

/** A progress bar that disappears when it stops. Shows nothing if there is little to do, or no terminal. */
export function showProgress(label: string, totalBytes: number, stream: NodeJS.WritableStream): Progress {
  if (totalBytes < LONG_BYTES || !(stream as Partial<NodeJS.WriteStream>).isTTY) return SILENT;
  const bar = new cliProgress.SingleBar({
    stream,
    format: '{label} [{bar}] {percentage}%, {eta_formatted} left',
    barsize: 30,
    clearOnComplete: true,
    // Otherwise line wrapping would stay switched off if the process is killed.
    linewrap: true,
  });
  bar.start(totalBytes, 0, { label: printable(label) });
  let next = 0;
  return {
    update(bytes) {
      if (bytes < next) return;
      next = bytes + STEP_BYTES;
      bar.update(bytes);
    },
    stop: () => bar.stop(),
  };
}
