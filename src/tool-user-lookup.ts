/** Users and groups of this machine, by name or number, wherever they are kept (files, LDAP). */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export interface FoundUser {
  readonly uid: number;
  readonly name: string;
  readonly home: string;
}

/** A number without an entry is a user too: it has a uid, and neither name nor home. */
export async function findUser(user: string): Promise<FoundUser | undefined> {
  const [name, , uid, , , home] = await entry('passwd', user);
  if (uid !== undefined) return { uid: Number(uid), name: name ?? user, home: home || '/' };
  return /^\d+$/.test(user) ? { uid: Number(user), name: user, home: '/' } : undefined;
}

export async function findGroup(group: string): Promise<number | undefined> {
  const [, , gid] = await entry('group', group);
  if (gid !== undefined) return Number(gid);
  return /^\d+$/.test(group) ? Number(group) : undefined;
}

async function entry(database: 'passwd' | 'group', key: string): Promise<string[]> {
  try {
    const { stdout } = await promisify(execFile)('getent', [database, key]);
    return stdout.trim().split(':');
  } catch (error) {
    // 2: no such entry.
    if (error instanceof Error && 'code' in error && error.code === 2) return [];
    throw error;
  }
}
