import assert from 'node:assert/strict';
import { entryText, journalArgv, parseEntry } from './journal.ts';

const plain = (_colour: unknown, text: string) => text;

describe('journal', () => {
  it('asks for everything that an application’s units said', () => {
    const argv = journalArgv({ apps: ['api'], follow: false, lines: 100 });
    assert.deepEqual(argv.slice(-5), [
      '--lines=100',
      '--unit=api@*.service',
      '--unit=api-workers.service',
      '--unit=api-release@*.service',
      '--unit=api.service',
    ]);
  });

  it('follows, and takes all since a time', () => {
    const argv = journalArgv({ apps: ['api'], follow: true, since: '-1h' });
    for (const flag of ['--follow', '--no-tail', '--since=-1h']) assert.ok(argv.includes(flag), flag);
  });

  const cases: [name: string, fields: object, text: string][] = [
    ['a line of a release', { _SYSTEMD_UNIT: 'api@42.service', MESSAGE: 'listening' }, 'api@42: listening'],
    [
      'what systemd says of a unit',
      { _SYSTEMD_UNIT: 'init.scope', UNIT: 'api@42.service', MESSAGE: 'Started' },
      'api@42: Started',
    ],
    [
      'bytes that are no text',
      { _SYSTEMD_UNIT: 'api@1.service', MESSAGE: [104, 105, 27, 255] },
      'api@1: hi\\u001b\ufffd',
    ],
    ['an empty message', { _SYSTEMD_UNIT: 'api@1.service', MESSAGE: null }, 'api@1: '],
  ];
  for (const [name, fields, text] of cases) {
    it(`shows ${name}`, () => {
      const line = JSON.stringify({ __REALTIME_TIMESTAMP: '1772366400123456', ...fields });
      assert.equal(entryText(parseEntry(line), plain), `2026-03-01T12:00:00.123Z ${text}\n`);
    });
  }
});
