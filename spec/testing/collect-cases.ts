import { config } from 'rxjs';
import { scrivenerConformance, type ConformanceOptions } from 'rx-scrivener/testing';

/** Registers the suite with a runner that only remembers, and runs it; gives the message of each case that fails, by its name. */
export async function failuresOf(
  options: Omit<ConformanceOptions, 'test'>,
  chosen: (name: string) => boolean = () => true,
): Promise<Record<string, string>> {
  const cases: { name: string; run: () => Promise<void> }[] = [];
  scrivenerConformance({ ...options, test: (name, run) => cases.push({ name, run }) });
  const failures: Record<string, string> = {};
  // What a broken scrivener leaves behind may go on failing; that is not what is tested.
  config.onUnhandledError = () => {};
  for (const { name, run } of cases) {
    if (chosen(name)) await run().catch((error: unknown) => (failures[name] = (error as Error).message));
  }
  await new Promise((resolve) => setTimeout(resolve, 5));
  config.onUnhandledError = null;
  return failures;
}
