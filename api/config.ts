import { userInfo } from 'node:os';
import { CronExpressionParser } from 'cron-parser';
import Joi from 'joi';
import type { Schedule } from './tasks/cron.ts';
import { MAX_INTEGER } from './validate.ts';

/** Where the database is and how patient its clients are. */
export interface DatabaseConfig {
  url: string;
  poolMax: number;
  connectTimeoutMs: number;
  statementTimeoutMs: number;
}

/** How long a release waits for a rival, for a table's lock and for one statement. */
export interface MigrationConfig {
  database: DatabaseConfig;
  waitMs: number;
  lockTimeoutMs: number;
  statementTimeoutMs: number;
}

/** One signing key; `kid` travels in the token's header, so that keys can rotate. */
export interface JwtKey {
  kid: string;
  secret: string;
}

/** Attempts allowed: logins a minute, registrations an hour; and how many tasks of one owner may wait or run. */
export interface LimitConfig {
  loginAccount: number;
  loginAddress: number;
  registrationAddress: number;
  taskOwner: number;
}

/** Everything the server takes from its environment. */
export interface Config {
  /** A TCP port or the absolute path of a unix socket. */
  port: number | string;
  /** The address to listen on with a TCP port; undefined: every one. */
  host: string | undefined;
  release: string;
  logLevel: string;
  /** A query that takes longer is logged; 0: none is. */
  slowQueryMs: number;
  database: DatabaseConfig;
  /** The first signs, all verify. */
  jwtKeys: JwtKey[];
  accessTokenSeconds: number;
  refreshTokenSeconds: number;
  bcryptCost: number;
  corsOrigins: string[];
  bodyLimit: number;
  limits: LimitConfig;
  /** Of RabbitMQ; undefined: the queue is in the database. */
  queueUrl: string | undefined;
  shutdown: { drainMs: number; limitMs: number };
}

/** Everything a worker takes from its environment. */
export interface WorkerConfig extends Pick<Config, 'release' | 'logLevel' | 'database' | 'queueUrl'> {
  schedules: Schedule[];
  /** How long the worker has to end: `apps.<app>.drain`. */
  drainMs: number;
}

/** Thrown for an environment that cannot be used; the message names every variable at fault and no value. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

const SECRET_BYTES = 32;

const whole = (fallback: number, min: number, max = MAX_INTEGER) =>
  Joi.number().integer().min(min).max(max).empty('').default(fallback);

const text = (fallback: string) => Joi.string().empty('').default(fallback);

const databaseVariables = {
  DATABASE_URL: Joi.string()
    .pattern(/^postgres(ql)?:\/\//)
    .required()
    .messages({ 'string.pattern.base': '{{#label}} must start with postgresql://' }),
  DATABASE_POOL_MAX: whole(10, 1, 1000),
  DATABASE_CONNECT_TIMEOUT_MS: whole(3_000, 1),
  DATABASE_STATEMENT_TIMEOUT_MS: whole(5_000, 1),
};

const schedule = Joi.object({
  kind: Joi.string().required(),
  payload: Joi.object().default({}),
  schedule: Joi.string().required().custom(parseSchedule).messages({
    'any.custom': '{{#label}} is no schedule: {{#error.message}}',
  }),
  timezone: Joi.string()
    .default('UTC')
    .custom((value, { error }) => (isTimeZone(value) ? value : error('timezone')))
    .messages({ timezone: '{{#label}} must be a time zone, as Europe/Paris' }),
  missed: Joi.string().valid('once', 'skip').default('once'),
});

const processVariables = {
  ...databaseVariables,
  RELEASE: text('dev').pattern(/^[\w.-]{1,64}$/),
  LOG_LEVEL: text('info').valid('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
  QUEUE_URL: Joi.string()
    .empty('')
    .pattern(/^amqps?:\/\//)
    .messages({ 'string.pattern.base': '{{#label}} must start with amqp://' }),
  // The server has no use for it, and a release with a bad one is to fail where it is watched.
  CRON: Joi.string()
    .empty('')
    .default([])
    .custom(parseSchedules)
    .messages({ 'cron.shape': '{{#label}} must be a list of schedules as JSON: {{#reason}}' }),
};

const migrationVariables = {
  ...databaseVariables,
  MIGRATION_WAIT_MS: whole(60_000, 1),
  // Who waits behind a migration that waits is answered still: it gives up before they do.
  MIGRATION_LOCK_TIMEOUT_MS: whole(2_000, 1),
  MIGRATION_STATEMENT_TIMEOUT_MS: whole(600_000, 1),
};

const serverVariables = {
  ...processVariables,
  PORT: Joi.string().empty('').default(3000).custom(parsePort).messages({
    port: '{{#label}} must be a TCP port or the absolute path of a unix socket',
  }),
  LISTEN_HOST: Joi.string().hostname().empty(''),
  SLOW_QUERY_MS: whole(200, 0),
  JWT_KEYS: Joi.string()
    .required()
    .custom(parseJwtKeys)
    .messages({
      'jwt.shape': '{{#label}} must be kid:secret[,kid:secret…] with different kids',
      'jwt.short': `{{#label}} holds a secret shorter than ${SECRET_BYTES} bytes`,
    }),
  ACCESS_TOKEN_SECONDS: whole(30 * 60, 1),
  REFRESH_TOKEN_SECONDS: whole(30 * 24 * 3600, 1),
  BCRYPT_COST: whole(12, 4, 20),
  CORS_ORIGINS: text(''),
  BODY_LIMIT: whole(100 * 1024, 1),
  LOGIN_LIMIT_ACCOUNT: whole(10, 1),
  LOGIN_LIMIT_ADDRESS: whole(60, 1),
  REGISTRATION_LIMIT_ADDRESS: whole(120, 1),
  TASK_LIMIT_OWNER: whole(100, 1),
  SHUTDOWN_DRAIN_MS: whole(3_000, 0),
  SHUTDOWN_LIMIT_MS: whole(10_000, 0),
};

const workerVariables = {
  ...processVariables,
  DRAIN_MS: whole(10_000, 0),
};

/** Reads the server's settings; throws {@link ConfigError}. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const value = validEnvironment(env, serverVariables);
  return {
    port: value.PORT,
    host: value.LISTEN_HOST,
    release: value.RELEASE,
    logLevel: value.LOG_LEVEL,
    slowQueryMs: value.SLOW_QUERY_MS,
    database: databaseConfig(value, env),
    jwtKeys: value.JWT_KEYS,
    accessTokenSeconds: value.ACCESS_TOKEN_SECONDS,
    refreshTokenSeconds: value.REFRESH_TOKEN_SECONDS,
    bcryptCost: value.BCRYPT_COST,
    corsOrigins: list(value.CORS_ORIGINS),
    bodyLimit: value.BODY_LIMIT,
    limits: {
      loginAccount: value.LOGIN_LIMIT_ACCOUNT,
      loginAddress: value.LOGIN_LIMIT_ADDRESS,
      registrationAddress: value.REGISTRATION_LIMIT_ADDRESS,
      taskOwner: value.TASK_LIMIT_OWNER,
    },
    queueUrl: value.QUEUE_URL,
    shutdown: { drainMs: value.SHUTDOWN_DRAIN_MS, limitMs: value.SHUTDOWN_LIMIT_MS },
  };
}

/** Reads a worker's settings; throws {@link ConfigError}. */
export function readWorkerConfig(env: NodeJS.ProcessEnv): WorkerConfig {
  const value = validEnvironment(env, workerVariables);
  return {
    release: value.RELEASE,
    logLevel: value.LOG_LEVEL,
    database: databaseConfig(value, env),
    queueUrl: value.QUEUE_URL,
    schedules: value.CRON,
    drainMs: value.DRAIN_MS,
  };
}

/** Reads what a migration needs, which is the database alone; throws {@link ConfigError}. */
export function readMigrationConfig(env: NodeJS.ProcessEnv): MigrationConfig {
  const value = validEnvironment(env, migrationVariables);
  return {
    database: databaseConfig(value, env),
    waitMs: value.MIGRATION_WAIT_MS,
    lockTimeoutMs: value.MIGRATION_LOCK_TIMEOUT_MS,
    statementTimeoutMs: value.MIGRATION_STATEMENT_TIMEOUT_MS,
  };
}

function validEnvironment(env: NodeJS.ProcessEnv, variables: Joi.SchemaMap) {
  const { value, error } = Joi.object(variables).unknown().validate(env, { abortEarly: false });
  if (error) throw new ConfigError(error.details.map((detail) => detail.message).join('\n'));
  return value;
}

// biome-ignore lint/suspicious/noExplicitAny: Joi has checked the shape and infers no type.
function databaseConfig(value: any, env: NodeJS.ProcessEnv): DatabaseConfig {
  return {
    url: withUser(value.DATABASE_URL, env),
    poolMax: value.DATABASE_POOL_MAX,
    connectTimeoutMs: value.DATABASE_CONNECT_TIMEOUT_MS,
    statementTimeoutMs: value.DATABASE_STATEMENT_TIMEOUT_MS,
  };
}

/** Without a user in the URL libpq takes PGUSER, then the account's name; pg would take $USER, which `su` leaves behind. */
function withUser(databaseUrl: string, env: NodeJS.ProcessEnv): string {
  // `postgresql://user@/name?host=/run` is libpq's, and no URL to others; pg reads it.
  const url = URL.parse(databaseUrl);
  if (!url || url.username || url.searchParams.has('user')) return databaseUrl;
  url.searchParams.set('user', env.PGUSER || userInfo().username);
  return url.href;
}

function parsePort(value: string, { error }: Joi.CustomHelpers): number | string | Joi.ErrorReport {
  if (value.startsWith('/')) return value;
  return /^\d{1,5}$/.test(value) && Number(value) < 65_536 ? Number(value) : error('port');
}

function parseJwtKeys(value: string, { error }: Joi.CustomHelpers): JwtKey[] | Joi.ErrorReport {
  const keys = value.split(',').map((entry) => {
    const [, kid = '', secret = ''] = /^([\w.-]+):(.*)$/.exec(entry.trim()) ?? [];
    return { kid, secret };
  });
  if (new Set(keys.map((key) => key.kid)).size < keys.length) return error('jwt.shape');
  if (keys.some((key) => key.kid === '')) return error('jwt.shape');
  if (keys.some((key) => Buffer.byteLength(key.secret) < SECRET_BYTES)) return error('jwt.short');
  return keys;
}

function parseSchedules(value: string, { error }: Joi.CustomHelpers): Schedule[] | Joi.ErrorReport {
  try {
    return Joi.attempt(JSON.parse(value), Joi.array().items(schedule));
  } catch (cause) {
    return error('cron.shape', { reason: (cause as Error).message });
  }
}

function parseSchedule(text: string): string {
  if (text.trim().split(/\s+/).length !== 5) throw new Error('it must have five fields, as "0 3 * * *"');
  CronExpressionParser.parse(text);
  return text;
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function list(value: string): string[] {
  return value
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

/** What was read, or the end of the process, with what is wrong said on standard error. */
export function orExit<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    console.error((error as Error).message);
    process.exit(1);
  }
}
