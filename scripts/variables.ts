import { BerthError } from '../provisioning/errors.ts';
import type { AppSettings } from '../provisioning/settings.ts';
import { variableName, variableValue } from './settings/names.ts';
import { settingThatSets } from './settings/reserved.ts';

/** Linux passes a program no text longer than 128 KiB, and name, `=` and NUL are part of it. */
const maxBytes = 128 * 1024 - 2;

/**
 * Whether `berth config` may set these variables of an application.
 *
 * @throws BerthError `config_refused` with every name and its reason
 */
export function requireNames(app: AppSettings, names: string[]): void {
  refuse(names, (name) => {
    if (Object.hasOwn(app.env, name)) return 'is set by the hosts file (apps.<name>.env); change it there';
    const setting = settingThatSets(name, app);
    return setting === undefined ? reasonOf(() => variableName(name)) : `is set by ${setting}`;
  });
}

/** As `requireNames`, of values; none of them is ever shown. */
export function requireValues(values: Record<string, string>): void {
  refuse(Object.keys(values), (name) => {
    const value = values[name] as string;
    if (Buffer.byteLength(`${name}${value}`) > maxBytes)
      return 'has a value of more than 128 KiB, which no program can be given';
    const reason = reasonOf(() => variableValue(value));
    return reason && `has a value that ${reason}`;
  });
}

function refuse(names: string[], judge: (name: string) => string | undefined): void {
  const problems = names.flatMap((name) => {
    const reason = judge(name);
    return reason === undefined ? [] : [`${name} ${reason}`];
  });
  if (problems.length === 0) return;
  throw new BerthError(
    'config_refused',
    problems.join('\n'),
    'leave it out, or give another value; nothing was changed',
  );
}

function reasonOf(parse: () => unknown): string | undefined {
  try {
    parse();
    return undefined;
  } catch (error) {
    return (error as RangeError).message;
  }
}
