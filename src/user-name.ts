import { userInfo } from 'node:os';

/** Who runs this process; undefined: a container's user may have no name. */
export function userName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}
