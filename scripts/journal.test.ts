import assert from 'node:assert/strict';
import { createParser, isWanted, type JournalQuery, journalArgv } from './journal.ts';
import { logText } from './log-text.ts';

const plain = (_colour: unknown, text: string) => text;
const query = (more: Partial<JournalQuery> = {}): JournalQuery => ({ apps: ['api'], follow: false, ...more });

describe('journal', () => {
  const systemd = (app: string) => [
    ...[`BERTH_APP=${app}`, 'SYSLOG_IDENTIFIER=systemd', '+', `UNIT=${app}@*.service`],
    ...[`UNIT=${app}-release@*.service`, `UNIT=${app}.service`, `UNIT=${app}-workers.service`],
  ];
  const asked: [what: string, query: JournalQuery, words: string[]][] = [
    [
      'everything of an application',
      query({ lines: 100 }),
      ['--lines=100', '_UID=@api', '+', ...systemd('api')],
    ],
    [
      'what follows of several, from a time on, where it matches',
      query({ apps: ['api', 'blog'], follow: true, since: '-1h', grep: 'a b' }),
      [
        ...['--follow', '--no-tail', '--since=-1h', '--grep=a b', '_UID=@api', '+', ...systemd('api')],
        ...['+', '_UID=@blog', '+', ...systemd('blog')],
      ],
    ],
    [
      'one process of one release, backwards until there are enough',
      query({ process: 'web', release: 'v6', lines: 5 }),
      ['--no-tail', '--reverse', '_UID=@api', 'SYSLOG_IDENTIFIER=web@v6'],
    ],
    [
      'one process of every release',
      query({ process: 'worker', since: '-1h' }),
      ['--no-tail', '--since=-1h', '_UID=@api', 'SYSLOG_IDENTIFIER=worker@*'],
    ],
    [
      'one process, on to the next release',
      query({ process: 'web', follow: true }),
      ['--follow', '--no-tail', '_UID=@api'],
    ],
    [
      'one release',
      query({ release: 'v6' }),
      [
        ...['--no-tail', '_UID=@api', 'SYSLOG_IDENTIFIER=*@v6'],
        ...['+', 'BERTH_APP=api', 'SYSLOG_IDENTIFIER=systemd', 'BERTH_RELEASE=v6'],
        ...['+', 'UNIT=api@6.service', 'UNIT=api-release@6.service'],
      ],
    ],
  ];
  for (const [what, given, words] of asked) {
    it(`asks for ${what}`, () => assert.deepEqual(journalArgv(given).slice(9), words));
  }

  const parser = () => {
    const parse = createParser();
    parse('{"berth_uid":"999","app":"api"}');
    return (entry: object) => parse(JSON.stringify({ __REALTIME_TIMESTAMP: '1772366400123456', ...entry }));
  };

  it('knows a process by what it calls itself, also where it had ended before its unit was looked up', () => {
    const entry = parser()({ _UID: '999', SYSLOG_IDENTIFIER: 'clock@v6', MESSAGE: 'tick' });
    assert.ok(entry);
    assert.deepEqual([entry.app, entry.process, entry.release], ['api', 'clock', 'v6']);
    assert.ok(isWanted(query({ process: 'clock' }), entry));
    assert.ok(!isWanted(query({ process: 'worker' }), entry));
    assert.ok(!isWanted(query({ release: 'v7' }), entry));
  });

  it('leaves out what another user says in the application’s name', () => {
    assert.equal(parser()({ _UID: '998', BERTH_APP: 'api', SYSLOG_IDENTIFIER: 'web@v6' }), null);
  });

  const web = { _UID: '999', SYSLOG_IDENTIFIER: 'web@v42' };
  const cases: [name: string, fields: object, text: string][] = [
    ['a plain line', { ...web, MESSAGE: 'listening' }, 'web v42 listening'],
    [
      'a line of pino',
      {
        ...web,
        MESSAGE:
          '{"level":40,"time":1795253013155,"pid":7,"release":"v42","path":"/a b","ms":3,"msg":"slow\\u001b"}',
      },
      'web v42 warn slow\\u001b path="/a b" ms=3',
    ],
    [
      'an error of pino, with its stack',
      {
        ...web,
        MESSAGE:
          '{"level":50,"time":1,"err":{"type":"Error","stack":"Error: no\\n    at a.js:1"},"msg":"failed"}',
      },
      'web v42 error failed\n    Error: no\n        at a.js:1',
    ],
    ['what is not quite JSON', { ...web, MESSAGE: '{"level":30,' }, 'web v42 {"level":30,'],
    [
      'what pm2 says',
      { ...web, MESSAGE: '2026-11-21T11:40:07: PM2 log: App [api:1] online' },
      'pm2 v42 2026-11-21T11:40:07: PM2 log: App [api:1] online',
    ],
    [
      'what systemd says of a unit',
      {
        UNIT: 'api-release@42.service',
        _SYSTEMD_UNIT: 'init.scope',
        SYSLOG_IDENTIFIER: 'systemd',
        MESSAGE: 'Started',
      },
      'systemd v42 Started',
    ],
    ['bytes that are no text', { ...web, MESSAGE: [104, 105, 27, 255] }, 'web v42 hi\\u001b\ufffd'],
    ['an empty message', { ...web, MESSAGE: null }, 'web v42 '],
  ];
  for (const [name, fields, text] of cases) {
    it(`shows ${name}`, () => {
      const entry = parser()(fields);
      assert.ok(entry);
      assert.equal(logText(entry, plain, { named: false }), `2026-03-01T12:00:00.123Z ${text}\n`);
    });
  }
});
