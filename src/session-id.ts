/** Ids are opaque, but they stand in paths, in workflow ids and on terminals: whatever could be more is not one. */
export function isSessionId(text: string): boolean {
  return /^[A-Za-z0-9_-]{1,200}$/.test(text);
}
