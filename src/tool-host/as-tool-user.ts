/**
 * Runs another entry as the tool user: `as-tool-user UID GID ENTRY`. It gives up root itself, instead of being
 * spawned as that user, because the kernel then bars processes of the same user from its memory, its environment and
 * its descriptors (it is not "dumpable", see prctl(2)): a command of bash cannot answer for a sibling.
 */
const [uid, gid, entry] = process.argv.slice(2);
giveUp(Number(uid), Number(gid));
const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
await import(new URL(`./${entry}${extension}`, import.meta.url).href);

function giveUp(toUid: number, toGid: number): void {
  process.setgroups?.([]);
  process.setgid?.(toGid);
  process.setuid?.(toUid);
  const groups = process.getgroups?.().filter(group => group !== toGid) ?? [];
  const isDone = process.getuid?.() === toUid && process.getgid?.() === toGid && groups.length === 0;
  if (!isDone || canReturn()) throw new Error(`could not become user ${toUid}, group ${toGid}`);
}

function canReturn(): boolean {
  try {
    process.setuid?.(0);
    return true;
  } catch {
    return false;
  }
}
