import assert from 'node:assert/strict';
import { hostFileName, parseDestination } from './destination.ts';

describe('a destination', () => {
  const forms: [text: string, meant: object][] = [
    ['root@203.0.113.7', { user: 'root', host: '203.0.113.7' }],
    ['vps', { host: 'vps' }],
    ['ssh://deploy@vps.example.org:2222', { user: 'deploy', host: 'vps.example.org', port: 2222 }],
    ['ssh://vps/', { host: 'vps' }],
    ['2001:db8::7', { host: '2001:db8::7' }],
    ['me@[2001:db8::7]', { user: 'me', host: '2001:db8::7' }],
    ['ssh://me@[2001:db8::7]:22', { user: 'me', host: '2001:db8::7', port: 22 }],
    ['root@fe80::1%eth0', { user: 'root', host: 'fe80::1%eth0' }],
  ];
  for (const [text, meant] of forms)
    it(`is read from ${text}`, () => assert.deepEqual(parseDestination(text), meant));

  for (const text of [
    '',
    'me@',
    'vps:22',
    'ssh://vps:0',
    'ssh://vps:x',
    '-oProxyCommand=x',
    'a b',
    'me:pw@vps',
  ])
    it(`is not ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseDestination(text), { code: 'wrong_usage' });
    });

  it('names its hosts file by the domain, else by itself', () => {
    const names = (['vps', '203.0.113.7', '2001:db8::7'] as const).map((host) =>
      hostFileName({ host }, undefined),
    );
    assert.deepEqual(names, ['vps', 'vps-203-0-113-7', 'vps-2001-db8-7']);
    assert.equal(hostFileName({ host: 'vps' }, 'api.example.com'), 'api-example-com');
  });
});
