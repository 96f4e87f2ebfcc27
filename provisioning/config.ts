import { appOf } from './app-of.ts';
import {
  decodeEnvironment,
  type Environment,
  encodeEnvironment,
  environmentParts,
  isOfKeys,
} from './environment.ts';
import { BerthError, messageOf } from './errors.ts';
import type { Event } from './events.ts';
import type { Host } from './host.ts';
import { holdsKeys, makeKey, withNext, withNextFirst } from './keys.ts';
import { renew } from './releases/renew.ts';
import { liveNumber } from './releases/store.ts';
import { readStores, type Stores, writeStores } from './releases/stores.ts';
import type { AppSettings, Settings } from './settings.ts';

type Asked = { settings: Settings; app: string };
export type ConfigInput = Asked & {
  runtime: string;
  by: string;
  set: Environment;
  unset: string[];
  /** A variable of keys that gets a new one; those that were replaced `keepMs` ago go. */
  rotate?: { name: string; keepMs: number };
};

/** `release` is null where nothing is live yet: the first deploy takes it. */
export type ConfigResult = { changed: boolean; release: number | null };

type Steering = { host: Host; emit: (event: Event) => void; stop: AbortSignal };

/**
 * Sets and forgets variables of `berth config`, and brings a new release live with them. Until that one is live
 * nothing has changed, and where it is taken back the variables are too.
 *
 * @throws BerthError `config_unknown`, `config_refused`, `not_applied`, and those of a release
 */
export async function config(input: ConfigInput, steering: Steering): Promise<ConfigResult> {
  const { rotate } = input;
  return rotate ? rotateKeys({ ...input, rotate }, steering) : change(input, steering);
}

async function change(input: ConfigInput, { host, emit, stop }: Steering): Promise<ConfigResult> {
  const { settings, runtime, by } = input;
  const app = appOf(settings, input.app);
  const before = await readStores(host, app.name);
  if (before.env === '') throw notApplied(app.name);
  const after = withChanges(app, before, input);
  if (after.env === before.env && after.config === before.config) return { changed: false, release: null };
  if ((await liveNumber(host, app.name)) === null) {
    await writeStores(host, app.name, after);
    return { changed: true, release: null };
  }
  const say = (text: string) => emit({ type: 'progress', text });
  const making = { settings, app, runtime, by, reason: configInShort(input) };
  try {
    const { number } = await renew(host, making, { say, stop, stores: after });
    return { changed: true, release: number };
  } catch (error) {
    const { env, config } = await readStores(host, app.name);
    throw env === before.env && config === before.config ? unchanged(app.name, error) : error;
  }
}

/**
 * Two releases, so that nobody is signed out: clients are at either for some seconds around a flip, and each must know
 * what the other signs with. The first verifies by the new key, the second signs with it once the first is alone.
 */
async function rotateKeys(
  input: ConfigInput & { rotate: { name: string; keepMs: number } },
  steering: Steering,
): Promise<ConfigResult> {
  const { app } = input;
  const { name, keepMs } = input.rotate;
  const read = async () => (await variable({ app, name }, steering)).value;
  const bring = (keys: string) => change({ ...input, set: { [name]: keys } }, steering);
  const keys = await read();
  if (!isOfKeys(name) || !holdsKeys(keys)) throw noKeys(name);
  await bring(withNext(keys, makeKey()));
  return bring(withNextFirst(await read(), { now: Date.now(), keepMs }));
}

/** Names alone. */
export function configInShort({ set, unset, rotate }: Pick<ConfigInput, 'set' | 'unset' | 'rotate'>): string {
  if (rotate) return `rotate-keys ${rotate.name}`;
  const words = [
    ['set', Object.keys(set)],
    ['unset', unset],
  ] as const;
  return words.flatMap(([word, names]) => (names.length === 0 ? [] : [word, ...names])).join(' ');
}

/** A secret that is made on the machine is kept in the environment itself: set it is replaced, unset made anew. */
function withChanges(app: AppSettings, { env, config }: Stores, { set, unset }: ConfigInput) {
  const { values, secrets } = environmentParts(app);
  const kept = decodeEnvironment(config);
  const environment = { ...decodeEnvironment(env), ...set };
  for (const name of unset) {
    const make = Object.hasOwn(secrets, name) ? secrets[name] : undefined;
    if (make) environment[name] = make();
    else if (!Object.hasOwn(kept, name)) throw unknown(app.name, name);
    else if (!Object.hasOwn(values, name)) delete environment[name];
  }
  const changed = { ...kept, ...set };
  for (const name of [...unset, ...Object.keys(secrets)]) delete changed[name];
  return { env: encodeEnvironment(environment), config: encodeEnvironment(changed) };
}

export type Variable = {
  name: string;
  /** Who has set it. */
  source: 'berth' | 'hosts file' | 'machine' | 'config';
  /** null: it may be a secret, which a list does not show. */
  value: string | null;
};

/** The environment, without values that only the machine knows. */
export async function configuration(
  { settings, app: name }: Asked,
  { host }: { host: Host },
): Promise<Variable[]> {
  const app = appOf(settings, name);
  const { env, config } = await readStores(host, name);
  const own = decodeEnvironment(config);
  const { values } = environmentParts(app);
  return Object.entries(decodeEnvironment(env)).map(([name, value]) => {
    if (Object.hasOwn(app.env, name)) return { name, source: 'hosts file', value: null };
    if (Object.hasOwn(values, name)) return { name, source: 'berth', value };
    return { name, source: Object.hasOwn(own, name) ? 'config' : 'machine', value: null };
  });
}

/**
 * One variable's value.
 *
 * @throws BerthError `config_unknown`
 */
export async function variable(
  { app, name }: { app: string; name: string },
  { host }: { host: Host },
): Promise<{ value: string }> {
  const environment = decodeEnvironment((await readStores(host, app)).env);
  if (Object.hasOwn(environment, name)) return { value: environment[name] as string };
  throw unknown(app, name);
}

function unknown(app: string, name: string): BerthError {
  return new BerthError(
    'config_unknown',
    `${app} has no variable ${name} of berth config`,
    'berth config lists them',
  );
}

function noKeys(name: string): BerthError {
  return new BerthError(
    'config_refused',
    `${name} holds no keys to rotate`,
    'a variable of keys ends in _KEYS and holds <id>:<secret>[,<id>:<secret>…]',
  );
}

function notApplied(app: string): BerthError {
  return new BerthError('not_applied', `/etc/${app}/env is not on the machine`, 'run: berth apply');
}

function unchanged(app: string, error: unknown): unknown {
  if (!(error instanceof BerthError)) return error;
  const message = `${messageOf(error)}\nthe configuration of ${app} is as it was`;
  return new BerthError(error.code, message, error.hint, { cause: error });
}
