/** What is told of something that was thrown, whatever it was. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
