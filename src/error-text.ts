/** What is told of something that was thrown, whatever it was. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The name and the password of an address are for whoever it names. */
export function withoutPassword(text: string): string {
  return text.replace(/(:\/\/)[^/?#\s]*@/g, '$1…@');
}

/** The same without line breaks, for a log or a terminal: spaces elsewhere may belong to a path. */
export function errorLine(error: unknown): string {
  return errorText(error)
    .replace(/\s*[\n\r\u2028\u2029]\s*/g, ' ')
    .trim();
}
