import assert from 'node:assert/strict';
import { userInfo } from 'node:os';
import { ConfigError, readConfig, readMigrationConfig, readWorkerConfig } from './config.ts';

const SECRET = 's'.repeat(32);
const REQUIRED = { DATABASE_URL: 'postgresql://user@db.example.org/api', JWT_KEYS: `a:${SECRET}` };

describe('readConfig', () => {
  it('needs a database and a key, and has a default for the rest', () => {
    const config = readConfig(REQUIRED);
    assert.deepEqual(config, {
      port: 3000,
      host: undefined,
      release: 'dev',
      logLevel: 'info',
      database: {
        url: REQUIRED.DATABASE_URL,
        poolMax: 10,
        connectTimeoutMs: 3_000,
        statementTimeoutMs: 5_000,
      },
      jwtKeys: [{ kid: 'a', secret: SECRET }],
      accessTokenSeconds: 1_800,
      refreshTokenSeconds: 2_592_000,
      bcryptCost: 12,
      corsOrigins: [],
      bodyLimit: 102_400,
      limits: { loginAccount: 10, loginAddress: 60, registrationAddress: 120, taskOwner: 100 },
      queueUrl: undefined,
      shutdown: { drainMs: 3_000, limitMs: 10_000 },
      slowQueryMs: 200,
    });
  });

  it('takes an empty value for an absent one', () => {
    assert.deepEqual(
      readConfig({ ...REQUIRED, PORT: '', RELEASE: '', CORS_ORIGINS: '' }),
      readConfig(REQUIRED),
    );
  });

  it('takes a port or a path', () => {
    assert.equal(readConfig({ ...REQUIRED, PORT: '8080' }).port, 8080);
    assert.equal(readConfig({ ...REQUIRED, PORT: '/run/api/42.sock' }).port, '/run/api/42.sock');
  });

  it('reads lists', () => {
    const config = readConfig({
      ...REQUIRED,
      JWT_KEYS: `new:${SECRET}:with:colons,old:${SECRET}`,
      CORS_ORIGINS: 'https://a.example, https://b.example',
    });
    assert.deepEqual(
      config.jwtKeys.map((key) => key.kid),
      ['new', 'old'],
    );
    assert.equal(config.jwtKeys[0]?.secret, `${SECRET}:with:colons`);
    assert.deepEqual(config.corsOrigins, ['https://a.example', 'https://b.example']);
  });

  it('names every variable at fault', () => {
    const env = { PORT: 'http', BCRYPT_COST: '3', LOG_LEVEL: 'loud', LOGIN_LIMIT_ACCOUNT: '0' };
    const names = ['DATABASE_URL', 'JWT_KEYS', ...Object.keys(env)];
    assert.throws(
      () => readConfig(env),
      (error) => error instanceof ConfigError && names.every((name) => error.message.includes(`"${name}"`)),
    );
  });

  const refused: [string, Record<string, string>, RegExp][] = [
    ['a key without its id', { JWT_KEYS: SECRET }, /"JWT_KEYS" must be kid:secret/],
    ['a short secret', { JWT_KEYS: 'a:hush-hush' }, /"JWT_KEYS" holds a secret shorter than 32 bytes/],
    ['one id twice', { JWT_KEYS: `a:${SECRET},a:${SECRET}` }, /"JWT_KEYS" must be/],
    [
      'another database',
      { DATABASE_URL: 'mysql://user:hush-hush@host/db' },
      /"DATABASE_URL" must start with postgresql/,
    ],
    [
      'a relative path',
      { PORT: 'api.sock' },
      /"PORT" must be a TCP port or the absolute path of a unix socket/,
    ],
  ];
  for (const [what, env, message] of refused) {
    it(`refuses ${what}, without repeating a secret`, () => {
      assert.throws(
        () => readConfig({ ...REQUIRED, ...env }),
        (error: Error) => message.test(error.message) && !/hush|sss/.test(error.message),
      );
    });
  }
});

describe('DATABASE_URL', () => {
  const urlOf = (env: Record<string, string>) => new URL(readMigrationConfig(env).database.url);
  const SOCKET = 'postgresql:///api?host=/var/run/postgresql';

  it('without a user means the account that runs us, as with psql', () => {
    assert.equal(urlOf({ DATABASE_URL: SOCKET }).searchParams.get('user'), userInfo().username);
    assert.equal(urlOf({ DATABASE_URL: SOCKET, PGUSER: 'other' }).searchParams.get('user'), 'other');
  });

  it('with a user stays as it is', () => {
    for (const url of [
      `${SOCKET}&user=me`,
      'postgresql://me:pw@host/api',
      'postgresql://me@/api?host=/run',
    ]) {
      assert.equal(readMigrationConfig({ DATABASE_URL: url, PGUSER: 'other' }).database.url, url);
    }
  });
});

describe('a worker’s settings', () => {
  const { DATABASE_URL } = REQUIRED;
  const nightly = { kind: 'digest', schedule: '30 3 * * *' };

  it('need a database alone, and have a default for the rest', () => {
    const { queueUrl, schedules, drainMs } = readWorkerConfig({ DATABASE_URL });
    assert.deepEqual(
      { queueUrl, schedules, drainMs },
      { queueUrl: undefined, schedules: [], drainMs: 10_000 },
    );
  });

  it('take schedules as JSON', () => {
    const CRON = JSON.stringify([{ ...nightly, timezone: 'Europe/Paris' }]);
    assert.deepEqual(readWorkerConfig({ DATABASE_URL, CRON }).schedules, [
      { ...nightly, payload: {}, timezone: 'Europe/Paris', missed: 'once' },
    ]);
  });

  const refused: [string, Record<string, string>, RegExp][] = [
    ['schedules that are no JSON', { CRON: '[' }, /CRON.*must be a list of schedules/],
    [
      'a schedule of too few fields',
      { CRON: JSON.stringify([{ ...nightly, schedule: '* *' }]) },
      /five fields/,
    ],
    [
      'a schedule that never comes',
      { CRON: JSON.stringify([{ ...nightly, schedule: '0 0 31 2 *' }]) },
      /schedule" is no schedule: Invalid explicit day of month definition/,
    ],
    ['a zone that is none', { CRON: JSON.stringify([{ ...nightly, timezone: 'Mars/Base' }]) }, /timezone/],
    ['a queue that is no RabbitMQ', { QUEUE_URL: 'redis://127.0.0.1' }, /QUEUE_URL.*must start with amqp:/],
  ];
  for (const [what, env, message] of refused)
    it(`refuse ${what}, as the server’s do`, () => {
      assert.throws(() => readWorkerConfig({ DATABASE_URL, ...env }), message);
      assert.throws(() => readConfig({ ...REQUIRED, ...env }), message);
    });
});
