import { readdirSync, readlinkSync } from 'node:fs';

/** For what is only to be seen in Linux's /proc. */
export const onLinux = process.platform === 'linux' ? test : test.skip;

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
