import Joi from 'joi';
import { messageOf } from '../../provisioning/errors.ts';
import type { CronEntry } from '../../provisioning/settings.ts';
import { identityFile, localPath, readCertificates, readChain } from './files.ts';
import * as names from './names.ts';
import { parsePublicKey } from './public-key.ts';
import { schedule } from './schedule.ts';
import { parseDuration, parseSize, type Range } from './units.ts';

export type MachineKind = 'container' | 'vagrant' | 'ssh';

/** A hosts file as its schema leaves it: keys as in the file, defaults filled in, units read. */
export type HostDocument = {
  hostname?: string;
  timezone: string;
  locale: string;
  machine: {
    kind: MachineKind | 'auto';
    image: 'debian-12' | 'debian-13';
    network: string;
    memory: number;
    host: string;
    port?: number;
    user?: string;
    identity?: string;
  };
  admin: { user: string; keys: string[] };
  ssh: { port: number };
  confirm_within: number;
  journal: { max_use: number };
  swap: 'auto' | 'off';
  upgrades: { automatic: boolean; reboot: string };
  tls: {
    kind: 'local' | 'letsencrypt' | 'own';
    names: string[];
    email: string | null;
    directory: string;
    staging?: string;
    ca: string | null;
    /** The PEM text of the file that it names. */
    cert: string;
    /** An absolute path. */
    key: string;
    hsts?: boolean;
  };
  nginx: { http_port: number; https_port: number; public_https_port?: number };
  firewall: { enabled: boolean; allow: string[]; ssh_from: string[]; ban: boolean };
  postgresql: { memory_percent: number; max_connections: number };
  backup: {
    enabled: boolean;
    at: string;
    daily: number;
    weekly: number;
    manual: number;
    drill: string;
    restic: { repository: string | null };
  };
  notify: { webhook: { url: string | null } };
  proxy: { url: string | null; no_proxy: string[] };
  extra_ca: string[];
  apps: Record<string, AppDocument>;
};

export type AppDocument = {
  path: string;
  push: string;
  domains: string[];
  prefix: string;
  health: string;
  openapi?: string;
  smoke: string | null;
  start_timeout: number;
  watch: number;
  keep: number;
  processes: Record<string, number | 'auto'>;
  memory: number | 'auto';
  env: Record<string, string>;
  secrets: string[];
  shared: string[];
  body_limit: number;
  timeouts: { answer: number; connect: number };
  websocket: boolean;
  drain: number;
  database: 'local' | 'url' | 'none';
  dump_before_release: boolean;
  queue: 'postgres' | 'rabbitmq';
  cron: (Omit<CronEntry, 'timezone'> & { timezone?: string })[];
};

/** The schema of a hosts file; `directory` is what paths in it are relative to. */
export function hostSchema(directory: string): Joi.ObjectSchema<HostDocument> {
  return section({
    hostname: text(names.machineName),
    timezone: text(names.timeZone).default('UTC'),
    locale: Joi.string().valid('C.UTF-8', 'C').default('C.UTF-8'),
    machine: machine(directory).required(),
    admin: section({
      user: text(names.userName).default('deploy'),
      keys: list(text(parsePublicKey)),
    }),
    ssh: section({ port: port().default(22) }),
    confirm_within: duration('60s', { from: '10s', to: '10m' }),
    journal: section({ max_use: size('500mb', { from: '16mb', to: '100gb' }) }),
    swap: Joi.string().valid('auto', 'off').default('auto'),
    upgrades: section({
      automatic: Joi.boolean().default(true),
      reboot: text(names.timeOfDayOrOff).default('04:30'),
    }),
    tls: tls(directory),
    nginx: section({
      http_port: port().default(80),
      https_port: port().default(443),
      public_https_port: port(),
    }),
    firewall: section({
      enabled: Joi.boolean().default(true),
      allow: list(text(names.openPort)),
      ssh_from: list(text(names.network)),
      ban: Joi.boolean().default(true),
    }),
    postgresql: section({
      memory_percent: Joi.number().integer().min(5).max(60).default(25),
      max_connections: Joi.number().integer().min(20).max(1000).default(100),
    }),
    notify: section({ webhook: section({ url: text(names.webhookUrl).allow(null).default(null) }) }),
    backup: section({
      enabled: Joi.boolean().default(true),
      at: text(names.timeOfDay).default('03:30'),
      daily: Joi.number().integer().min(1).max(365).default(7),
      weekly: Joi.number().integer().min(0).max(520).default(4),
      manual: Joi.number().integer().min(1).max(1000).default(10),
      drill: text(names.timeOfWeek).default('Sun 04:30'),
      restic: section({ repository: text(names.resticRepository).allow(null).default(null) }),
    }),
    proxy: section({
      url: text(names.proxyUrl).allow(null).default(null),
      no_proxy: list(text(names.hostOrAddress)),
    }),
    extra_ca: list(text((path) => readCertificates(path, directory))),
    apps: entries(names.appName, app()).min(1).required(),
  });
}

const kinds = ['auto', 'container', 'vagrant', 'ssh'];
/** `auto` may come to be a container. */
const contained = ['auto', 'container'];
const certificateKinds = ['local', 'letsencrypt', 'own'];

function machine(directory: string): Joi.ObjectSchema {
  return Joi.object({
    kind: Joi.string()
      .valid(...kinds)
      .required(),
    image: only(contained, Joi.string().valid('debian-13', 'debian-12').default('debian-13')),
    network: only(contained, text(names.privateNetwork).default('10.77.0.0/24')),
    memory: only(contained, size('2gb', { from: '512mb', to: '1024gb' })),
    host: only(['ssh'], text(names.sshDestination).required()),
    port: only(['ssh'], port()),
    user: only(['ssh'], text(names.loginName)),
    identity: only(
      ['ssh'],
      text((path) => identityFile(path, directory)),
    ),
  });
}

/** Its kind alone, or a map. */
function tls(directory: string): Joi.Schema {
  const own = (parent: Record<string, unknown>) => ('cert' in parent || 'key' in parent ? 'own' : 'local');
  const byAcme = (then: Joi.Schema) => only(['letsencrypt'], then);
  const notLocal = (otherwise: Joi.Schema) => {
    const then = Joi.forbidden();
    return Joi.when('kind', { is: 'local', then, otherwise });
  };
  const pem = (read: (path: string, directory: string) => string) => text((path) => read(path, directory));
  const otherwise = section({
    kind: Joi.string()
      .valid(...certificateKinds)
      .default(own),
    names: list(text(names.hostOrAddress)),
    email: byAcme(text(names.email).allow(null).default(null)),
    directory: byAcme(text(names.directoryUrl).default(letsEncrypt.directory)),
    staging: byAcme(text(names.directoryUrl)),
    ca: byAcme(pem(readCertificates).allow(null).default(null)),
    cert: only(['own'], pem(readChain).required()),
    key: only(['own'], pem(localPath).required()),
    hsts: notLocal(Joi.boolean()),
  });
  const words = ['local', 'letsencrypt'];
  const then = Joi.string().custom((kind: string, helpers) =>
    words.includes(kind) ? Joi.attempt({ kind }, otherwise) : helpers.error('any.only', { valids: words }),
  );
  return Joi.alternatives()
    .conditional(Joi.string(), { then, otherwise })
    .empty(null)
    .default(Joi.attempt({}, otherwise));
}

/** https://letsencrypt.org/docs/staging-environment/ */
export const letsEncrypt = {
  directory: 'https://acme-v02.api.letsencrypt.org/directory',
  staging: 'https://acme-staging-v02.api.letsencrypt.org/directory',
};

function app(): Joi.ObjectSchema<AppDocument> {
  return section({
    path: text(names.folder).default('.'),
    push: text(names.branchName).default('main'),
    domains: list(text(names.domain)),
    prefix: text(names.pathPrefix).default('/api'),
    health: text(names.urlPath).default('/api/readyz'),
    openapi: text(names.urlPathOrNone),
    smoke: text(names.urlPath).allow(null).default(null),
    start_timeout: duration('60s', { from: '1s', to: '1h' }),
    watch: duration('30s', { from: '0s', to: '1h' }),
    keep: Joi.number().integer().min(1).max(100).default(5),
    // Each has its own default: who says how many web processes there are does not stop the worker.
    processes: entries(names.processName, processCount(0))
      .keys({ web: processCount(1).default('auto'), worker: processCount(0).default(1) })
      .default(),
    memory: Joi.any().custom(reasoned(memoryLimit)).default('auto'),
    env: entries(names.variableName, text(names.variableValue).allow('')).default({}),
    secrets: list(text(names.variableName)).default(['JWT_KEYS']),
    shared: list(text(names.sharedFolder)),
    body_limit: size('1mb', { from: '1kb', to: '10gb' }),
    timeouts: section({
      answer: duration('60s', { from: '1s', to: '1h' }),
      connect: duration('5s', { from: '1s', to: '75s' }),
    }),
    websocket: Joi.boolean().default(false),
    drain: duration('30s', { from: '0s', to: '1h' }),
    database: Joi.string().valid('local', 'url', 'none').default('local'),
    dump_before_release: Joi.boolean().default(true),
    queue: Joi.string().valid('postgres', 'rabbitmq').default('postgres'),
    cron: list(cronEntry()),
  });
}

function cronEntry(): Joi.ObjectSchema {
  return Joi.object({
    kind: text(names.taskKind).required(),
    payload: Joi.object().unknown().empty(null).default({}),
    schedule: text(schedule).required(),
    timezone: text(names.timeZone),
    missed: Joi.string().valid('once', 'skip').default('once'),
  });
}

/** A map of known keys; left out or empty it is all defaults. */
function section(keys: Joi.SchemaMap): Joi.ObjectSchema {
  return Joi.object(keys).empty(null).default();
}

/** A map whose keys are the person's own. */
function entries(parseKey: (key: string) => string, value: Joi.Schema): Joi.ObjectSchema {
  const checkKey: Joi.CustomValidator = (given, helpers) => {
    try {
      parseKey(String(helpers.state.path?.at(-1)));
      return given;
    } catch (error) {
      return helpers.error('setting.key', { reason: messageOf(error) });
    }
  };
  return Joi.object().pattern(/^/, value.custom(checkKey)).empty(null);
}

/** A key of some kinds, of machines or of certificates, which the others have no use for. */
function only(those: string[], then: Joi.Schema): Joi.Schema {
  const when = (is: Joi.Schema, then: Joi.Schema) => ({ is, then });
  const others = [...kinds, ...certificateKinds].filter((kind) => !those.includes(kind));
  // Beside any other word the one that is wrong is the kind.
  return Joi.when('kind', {
    switch: [when(Joi.valid(...those), then), when(Joi.valid(...others), Joi.forbidden())],
  });
}

function list(item: Joi.Schema): Joi.ArraySchema {
  return Joi.array().items(item).unique().empty(null).default([]);
}

function text(parse: (text: string) => string): Joi.StringSchema {
  return Joi.string().custom(reasoned(parse));
}

function size(fallback: string, range: Range): Joi.Schema {
  return Joi.any()
    .custom(reasoned((given) => parseSize(String(given), range)))
    .default(parseSize(fallback));
}

function duration(fallback: string, range: Range): Joi.Schema {
  return Joi.any()
    .custom(reasoned((given) => parseDuration(String(given), range)))
    .default(parseDuration(fallback));
}

function port(): Joi.NumberSchema {
  return Joi.number().integer().min(1).max(65_535);
}

function processCount(least: 0 | 1): Joi.Schema {
  const check = (given: unknown) => {
    if (given === 'auto' || (Number.isInteger(given) && Number(given) >= least && Number(given) <= 64))
      return given;
    throw new RangeError(`is neither auto nor a number from ${least} to 64`);
  };
  return Joi.any().custom(reasoned(check));
}

function memoryLimit(given: unknown): unknown {
  return given === 'auto' ? given : parseSize(String(given), { from: '64mb', to: '64gb' });
}

/** A parser that throws its reason, as Joi takes it; `problems.ts` words it. */
function reasoned<T>(parse: (given: T) => unknown): Joi.CustomValidator {
  return (given, helpers) => {
    try {
      return parse(given);
    } catch (error) {
      return helpers.error('setting.refused', { reason: messageOf(error) });
    }
  };
}
