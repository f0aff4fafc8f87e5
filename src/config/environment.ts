/** The variables of this process, for programs that it starts: what of them such a program gets is said where it is started. */
export function environment(): Readonly<Record<string, string | undefined>> {
  return process.env;
}
