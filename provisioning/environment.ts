import { queueUrl } from './broker/address.ts';
import { makeKey, makeRandom } from './keys.ts';
import type { AppSettings } from './settings.ts';

/**
 * The environment file of an application, `/etc/<app>/env`: `NAME="value"` lines that systemd's
 * `EnvironmentFile=` and a POSIX shell's `.` read as the same bytes, and of which neither executes any.
 *
 * Inside double quotes both take a backslash before `\`, `"`, `$` and the backtick as that character itself
 * (systemd.exec(5) EnvironmentFile=; POSIX Shell 2.2.3).
 */
export type Environment = Record<string, string>;

/**
 * Sorted by name, so that the same variables are the same text.
 *
 * @throws RangeError for a name or a value that the encoding cannot carry; settings are validated before
 */
export function encodeEnvironment(environment: Environment): string {
  return Object.entries(environment)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => {
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new RangeError(`not a variable's name: ${name}`);
      if (/[\n\r\0]/.test(value)) throw new RangeError(`the value of ${name} holds a line break or NUL`);
      return `${name}="${value.replace(/[\\"$`]/g, '\\$&')}"\n`;
    })
    .join('');
}

/** The inverse of `encodeEnvironment`; lines that it does not write are left out. */
export function decodeEnvironment(text: string): Environment {
  const pairs = text.split('\n').flatMap((line) => {
    const found = line.match(/^([A-Za-z_][A-Za-z0-9_]*)="((?:[^\\"$`]|\\[\\"$`])*)"$/);
    return found ? [[found[1] as string, (found[2] as string).replace(/\\([\\"$`])/g, '$1')]] : [];
  });
  return Object.fromEntries(pairs);
}

/** What an application's environment is made of: plain values, and secrets with how the machine makes each. */
export type EnvironmentParts = { values: Environment; secrets: Record<string, () => string> };

export function environmentParts({ name, env, secrets, ...app }: AppSettings): EnvironmentParts {
  const url =
    app.database === 'local' ? { DATABASE_URL: `postgresql:///${name}?host=/var/run/postgresql` } : {};
  const cron = app.cron.length > 0 ? { CRON: JSON.stringify(app.cron) } : {};
  const made = secrets.map((secret) => [secret, isOfKeys(secret) ? makeKey : makeRandom] as const);
  const queue = app.queue === 'rabbitmq' ? { QUEUE_URL: () => queueUrl(name, makeRandom()) } : {};
  return {
    values: { NODE_ENV: 'production', ...url, ...cron, ...env },
    secrets: { ...Object.fromEntries(made), ...queue },
  };
}

/** The environment as it shall be: what `berth config` has set, the values, and the secrets that are `known`. */
export function wantedEnvironment(
  { values, secrets }: EnvironmentParts,
  config: Environment,
  known: Environment,
): Environment {
  const made = Object.keys(secrets).map((name) => [name, known[name] ?? '']);
  return { ...config, ...values, ...Object.fromEntries(made) };
}

/** Whether a variable holds keys that can be told apart and rotated. */
export function isOfKeys(name: string): boolean {
  return name.endsWith('_KEYS');
}
