/** A string literal for SQL text that goes over a connection of ours (utf8mb4, backslash escapes on). */
export function quoteString(text: string): string {
  return `'${text.replace(/[\\']/g, (c) => '\\' + c)}'`;
}
