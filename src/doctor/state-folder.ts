/** The state folder: whether hosts can live in it, and whether what they write there lasts. Nothing is made. */
import { randomBytes } from 'node:crypto';
import { access, constants, open, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { loadKey, SealingError } from '../key-ring.ts';
import { lowDiskSpace } from '../tool-host/disk-space.ts';
import { isCode } from '../tool-host/durable-file.ts';
import { socketPathProblem } from '../tool-host/paths.ts';
import { broken, type Finding, ok, oneLine, skipped, warning } from './finding.ts';

const CHECK = 'state folder';

/** By the magic number that `statfs` tells (linux/magic.h). */
const NETWORK: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
  [0x517b, 'SMB'],
  [0x01021997, '9p'],
  [0x65735546, 'FUSE'],
  [0x00c36400, 'Ceph'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x5346414f, 'AFS'],
  [0x19830326, 'BeeGFS'],
]);
const TMPFS = 0x01021994;
const OVERLAY = 0x794c7630;

export interface StateFolderOptions {
  readonly stateDir: string;
  /** HOLDFAST_KEY, known to be one. */
  readonly sealingKey: string | undefined;
}

export async function lookAtStateFolder({
  stateDir,
  sealingKey,
}: StateFolderOptions): Promise<readonly Finding[]> {
  const there = await existing(stateDir);
  return [
    await folder(stateDir, there),
    ...(await fileSystem(stateDir, there)),
    await disk(there),
    sockets(stateDir),
    await key(stateDir, sealingKey),
  ];
}

/** The folder, or the nearest one above it that is there. */
async function existing(path: string): Promise<string> {
  const isThere = await stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT' && error.code !== 'ENOTDIR',
  );
  return isThere || dirname(path) === path ? path : existing(dirname(path));
}

async function folder(stateDir: string, there: string): Promise<Finding> {
  const elsewhere = 'choose a folder that the worker’s user may write to (HOLDFAST_STATE_DIR)';
  try {
    const { uid, mode } = await stat(there);
    if (there !== stateDir) {
      if ((mode & constants.S_IFMT) !== constants.S_IFDIR)
        return broken(CHECK, `${stateDir} cannot be made: ${there} is a file`, elsewhere);
      await access(there, constants.W_OK | constants.X_OK);
      return ok(CHECK, `${stateDir} is made at the first start`);
    }
    if ((mode & constants.S_IFMT) !== constants.S_IFDIR)
      return broken(CHECK, `${stateDir} is a file`, elsewhere);
    await writeProbe(stateDir);
    const user = process.getuid?.();
    if (user !== undefined && uid !== user)
      return broken(CHECK, `${stateDir} belongs to user ${uid}, this is user ${user}`, elsewhere);
    if ((mode & 0o022) !== 0)
      return broken(CHECK, `others may write to ${stateDir}, and so forge journals`, `chmod 700 ${stateDir}`);
    // Passing through is for the tool user; listing is for nobody.
    if ((mode & 0o044) !== 0)
      return warning(
        CHECK,
        `others may read ${stateDir}, which holds all workspaces`,
        `chmod 700 ${stateDir}`,
      );
    return ok(CHECK, stateDir);
  } catch (error) {
    return broken(CHECK, `${there} cannot be written to: ${oneLine(error)}`, elsewhere);
  }
}

/** Written and brought to the disk, as a journal is. */
async function writeProbe(stateDir: string): Promise<void> {
  const path = join(stateDir, `.doctor-${randomBytes(6).toString('hex')}`);
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile('x');
      await file.sync();
    } finally {
      await file.close();
    }
  } finally {
    await rm(path, { force: true });
  }
}

async function fileSystem(stateDir: string, there: string): Promise<readonly Finding[]> {
  const { type } = await statfs(there);
  const network = process.platform === 'linux' ? NETWORK.get(type) : undefined;
  if (network !== undefined)
    return [
      broken(
        CHECK,
        `${stateDir} is on a network file system (${network}): sockets, locks and journals need a local one`,
        'choose a folder on a local disk (HOLDFAST_STATE_DIR)',
      ),
    ];
  if (type === TMPFS)
    return [warning(CHECK, `${stateDir} is in memory: a reboot loses what ran`, 'choose a folder on a disk')];
  if (type === OVERLAY)
    return [warning(CHECK, `${stateDir} goes with its container`, 'mount a volume there')];
  return [];
}

const ENOUGH_BYTES = 256 * 1024 ** 2;

async function disk(there: string): Promise<Finding> {
  const { bavail, bsize, ffree, files } = await statfs(there);
  const free = bavail * bsize;
  const size = free < 1024 ** 3 ? `${Math.round(free / 1024 ** 2)} MB` : `${Math.round(free / 1024 ** 3)} GB`;
  const mend = 'make room: HOLDFAST_KEEP says how long workspaces are kept';
  if (files > 0 && ffree < 1_000) return broken('disk', `${ffree} files more and it is full (inodes)`, mend);
  if (free < ENOUGH_BYTES) return broken('disk', `${size} free: calls cannot be recorded without room`, mend);
  return (await lowDiskSpace(there)) === undefined
    ? ok('disk', `${size} free`)
    : warning('disk', `nearly full: ${size} free`, mend);
}

function sockets(stateDir: string): Finding {
  const problem = socketPathProblem(stateDir);
  return problem === undefined
    ? ok('sockets', 'their paths are short enough')
    : broken('sockets', problem.found, problem.mend);
}

async function key(stateDir: string, given: string | undefined): Promise<Finding> {
  try {
    const found = await loadKey(given, stateDir, false);
    if (given !== undefined) return ok('key', 'HOLDFAST_KEY is one; all workers need the same');
    const file = found === undefined ? 'is made when it is needed' : 'is there, for its user only';
    return ok('key', `the key file of this host ${file}; with several hosts set HOLDFAST_KEY`);
  } catch (error) {
    if (isCode(error, 'ENOTDIR')) return skipped('key', 'not looked at, as the state folder is none');
    const [found = '', mend] =
      error instanceof SealingError ? error.message.split(/: (?=chmod|remove|write)/) : [];
    return broken('key', found || oneLine(error), mend ?? 'make it readable for the worker’s user');
  }
}
