import { readdirSync, readlinkSync } from 'node:fs';

/** For what is only to be seen in Linux's /proc; elsewhere skipped, the reason in the title. */
export function onLinux(name: string, run: () => Promise<void>, timeoutMs?: number): void {
  if (process.platform === 'linux') test(name, run, timeoutMs);
  else test.skip(`${name} (it is seen in /proc, which ${process.platform} lacks)`, run);
}

/** The files under a path that this process has open. */
export function openDescriptors(path: string): string[] {
  return readdirSync('/proc/self/fd')
    .map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return ''; // the one that listed the directory
      }
    })
    .filter((target) => target.startsWith(path));
}

/** How many file watchers this process has. */
export function watchers(): number {
  return process.getActiveResourcesInfo().filter((name) => /FSEvent/i.test(name)).length;
}
