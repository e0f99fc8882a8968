import { open, rm, type FileHandle } from 'node:fs/promises';

/** What every FileHandle is made of, to be spied on. */
export async function fileHandlePrototype(probe: string): Promise<FileHandle> {
  const handle = await open(probe, 'a+');
  await handle.close();
  await rm(probe);
  return Object.getPrototypeOf(handle) as FileHandle;
}
