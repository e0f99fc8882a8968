import { rmSync } from 'node:fs';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const partial = new Set<string>();

/** Removes a file when the process is interrupted, until the file is forgotten. */
export function trackPartial(filePath: string): void {
  if (partial.size === 0) for (const signal of SIGNALS) process.once(signal, abandon);
  partial.add(filePath);
}

export function forgetPartial(filePath: string): void {
  partial.delete(filePath);
  if (partial.size === 0) for (const signal of SIGNALS) process.removeListener(signal, abandon);
}

function abandon(signal: NodeJS.Signals): void {
  for (const filePath of partial) {
    rmSync(filePath, { force: true });
    forgetPartial(filePath);
  }
  // The handler is removed, so this ends the process.
  process.kill(process.pid, signal);
}
