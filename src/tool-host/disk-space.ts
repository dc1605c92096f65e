/** Whether the disk under a state folder is about to be full: then nothing can be made durable any more. */
import { statfs } from 'node:fs/promises';

export interface DiskSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

const LOW_BYTES = 1024 ** 3;
const LOW_SHARE = 0.05;

/** What is left, where that is less than 1 GB and less than a twentieth; else undefined. */
export async function lowDiskSpace(folder: string): Promise<DiskSpace | undefined> {
  const { bavail, blocks, bsize } = await statfs(folder);
  const space = { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  return space.freeBytes < LOW_BYTES && space.freeBytes < space.totalBytes * LOW_SHARE ? space : undefined;
}
