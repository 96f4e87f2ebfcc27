import {
  decodeEnvironment,
  type Environment,
  type EnvironmentParts,
  encodeEnvironment,
  wantedEnvironment,
} from '../environment.ts';
import { standing } from '../releases/stores.ts';
import { type FileState, gone, planWrite, readFileState } from './file.ts';
import type { Resource } from './resource.ts';

type EnvironmentState = FileState & {
  /** Values for secrets that are not there yet, made by `check` so that `plan` stays pure. */
  fresh: Environment;
  /** What `berth config` has set. */
  config: Environment;
};

export type EnvironmentOptions = EnvironmentParts & { name: string };

/** `/etc/<app>/env`: what the settings say, what `berth config` has set, and secrets that are made once on the machine and then kept. */
export function environment({ name: app, values, secrets }: EnvironmentOptions): Resource<EnvironmentState> {
  const path = standing(app, 'env');
  return {
    id: `environment of ${app}`,
    async check(host) {
      const fresh = Object.fromEntries(Object.entries(secrets).map(([name, make]) => [name, make()]));
      const config = decodeEnvironment((await host.read(standing(app, 'config'))) ?? '');
      return { ...(await readFileState(host, path)), fresh, config };
    },
    plan({ stat, content, fresh, config }) {
      const before = decodeEnvironment(content ?? '');
      const wanted = wantedEnvironment({ values, secrets }, config, { ...fresh, ...filled(before) });
      const note = differences(before, wanted);
      const unmade = Object.fromEntries(Object.keys(fresh).map((name) => [name, '']));
      const write = {
        do: 'write',
        path,
        content: encodeEnvironment(wanted),
        lasting: encodeEnvironment(
          wantedEnvironment({ values, secrets }, config, { ...unmade, ...filled(before) }),
        ),
        before: content,
        secret: true,
      } as const;
      return planWrite({ ...write, note, mode: 0o640, owner: 'root', group: app }, stat);
    },
    notices: ({ config }) =>
      Object.keys(config)
        .filter((name) => Object.hasOwn(values, name) || Object.hasOwn(secrets, name))
        .map(
          (name) => `${name} of ${app} is the hosts file's now; berth config unset ${name} forgets the other`,
        ),
    inverse: () => ({ goal: gone(path) }),
  };
}

/** A secret that somebody emptied is one to be made anew. */
function filled(environment: Environment): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
}

/** Which names differ, never their values. */
export function differences(before: Environment, after: Environment): string {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names
    .flatMap((name) => {
      if (before[name] === after[name]) return [];
      if (before[name] === undefined) return [`${name} added`];
      return [after[name] === undefined ? `${name} removed` : `${name} changed`];
    })
    .join(', ');
}
