/** A path in an OpenSSH configuration: one word, in which a percent sign would be a token. */
export function sshPath(path: string): string {
  return `"${path.replaceAll('%', '%%')}"`;
}
