import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { decodeEnvironment, encodeEnvironment, environmentParts } from './environment.ts';
import type { AppSettings, CronEntry } from './settings.ts';

const hostile: Record<string, string> = {
  PLAIN: 'value',
  EMPTY: '',
  SPACES: '  two  spaces ',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell's template is what must not be expanded
  DOLLAR: '$HOME ${HOME} $(touch /tmp/berth-was-here)',
  BACKTICK: '`touch /tmp/berth-was-here`',
  QUOTES: `"double" 'single'`,
  BACKSLASH: 'a\\b\\\\c\\n\\',
  HASH: '# not a comment; not & a | command > file',
  UTF8: 'Grüße, мир, 世界, 🚢',
  TAB: 'a\tb',
  PERCENT: '%i %% %n',
  EXCLAMATION: '!! !$',
  GLOB: '* ? [a-z] ~',
};

describe('the environment file', () => {
  it('is read by a POSIX shell as the bytes that went in, and nothing is executed', () => {
    const script = `set -a\n${encodeEnvironment(hostile)}set +a\nexec env -0`;
    for (const shell of ['/bin/sh', '/bin/bash']) {
      const output = execFileSync(shell, ['-c', script], {
        env: { HOME: '/nowhere', LC_ALL: 'C.UTF-8' },
        encoding: 'utf8',
      });
      const seen = Object.fromEntries(
        output.split('\0').map((line) => [line.split('=')[0], line.slice(line.indexOf('=') + 1)]),
      );
      for (const [name, value] of Object.entries(hostile))
        assert.equal(seen[name], value, `${name} in ${shell}`);
    }
  });

  it('decodes to what was encoded', () => {
    assert.deepEqual(decodeEnvironment(encodeEnvironment(hostile)), hostile);
  });

  it('leaves out lines that it would not have written', () => {
    assert.deepEqual(decodeEnvironment('A="1"\nB=2\n# C="3"\nD="$(x)"\nE="unended\n'), { A: '1' });
  });

  it('refuses what no line can carry', () => {
    for (const value of ['two\nlines', 'carriage\rreturn', 'nul\0']) {
      assert.throws(() => encodeEnvironment({ A: value }), RangeError);
    }
    assert.throws(() => encodeEnvironment({ 'A B': '1' }), RangeError);
  });
});

describe('what an environment is made of', () => {
  const parts = (app: Partial<AppSettings>) =>
    environmentParts({
      ...{ name: 'api', env: {}, secrets: ['JWT_KEYS'], database: 'none', queue: 'postgres', cron: [] },
      ...app,
    } as AppSettings);

  it('has keys and random bits as secrets, each made anew', () => {
    const { values, secrets } = parts({ secrets: ['JWT_KEYS', 'SESSION_KEY'] });
    assert.deepEqual(values, { NODE_ENV: 'production' });
    assert.match(secrets.JWT_KEYS?.() ?? '', /^[\d.TZ-]+:[\w-]{43}$/);
    assert.match(secrets.SESSION_KEY?.() ?? '', /^[\w-]{43}$/);
    assert.notEqual(secrets.SESSION_KEY?.(), secrets.SESSION_KEY?.());
  });

  it('leads to a vhost of RabbitMQ where tasks wait there', () => {
    const { secrets } = parts({ queue: 'rabbitmq' });
    assert.match(secrets.QUEUE_URL?.() ?? '', /^amqp:\/\/api:[\w-]{43}@127\.0\.0\.1:5672\/api$/);
    assert.equal(parts({}).secrets.QUEUE_URL, undefined);
  });

  it('has the schedule as JSON, and none where nothing is on it', () => {
    const entry: CronEntry = {
      ...{ kind: 'digest', payload: { text: 'a "b" $c' }, schedule: '0 7 * * 1', timezone: 'UTC' },
      missed: 'once',
    };
    const { values } = parts({ cron: [entry] });
    assert.deepEqual(JSON.parse(decodeEnvironment(encodeEnvironment(values)).CRON ?? ''), [entry]);
    assert.equal('CRON' in parts({}).values, false);
  });
});
