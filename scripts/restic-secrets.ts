import { BerthError } from '../provisioning/errors.ts';

/**
 * What restic is to know of a repository, as `NAME=value` lines; a single line without a name is the password.
 *
 * @throws BerthError `wrong_usage`, which never holds a value
 */
export function parseSecrets(text: string): Record<string, string> {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const pairs = lines.map((line) => /^([A-Z][A-Z0-9_]*)=(.+)$/.exec(line));
  const [only] = lines;
  if (lines.length === 1 && only && pairs[0] === null) return { RESTIC_PASSWORD: only };
  const wrong = pairs.indexOf(null);
  if (wrong >= 0) throw refused(`line ${wrong + 1} is not NAME=value`);
  const secrets = Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? '', pair?.[2] ?? '']));
  const other = Object.keys(secrets).find((name) => !allowed.test(name));
  if (other) throw refused(`${other} is not a variable of restic's password or of a storage's credentials`);
  if (!secrets.RESTIC_PASSWORD) throw refused('RESTIC_PASSWORD is missing');
  return secrets;
}

/** https://restic.readthedocs.io/en/stable/040_backup.html#environment-variables; none of them names a program. */
const allowed =
  /^(RESTIC_PASSWORD|RESTIC_REST_(USERNAME|PASSWORD)|AWS_[A-Z_]+|B2_ACCOUNT_(ID|KEY)|AZURE_ACCOUNT_[A-Z_]+|ST_[A-Z]+|OS_[A-Z_]+)$/;

function refused(why: string): BerthError {
  return new BerthError(
    'wrong_usage',
    `what was given as the restic secrets cannot be taken: ${why}`,
    'pipe the password in, or NAME=value lines: berth backup restic < file',
  );
}
