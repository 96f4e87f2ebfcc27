import assert from 'node:assert/strict';
import * as names from './names.ts';

const cases: { parse: (text: string) => string; takes: string[]; refuses: string[] }[] = [
  {
    parse: names.hostName,
    takes: ['a', 'a.example', '1a'],
    refuses: ['', '-a', 'a-', 'a..b', 'A', 'a_b', 'a.', 'a'.repeat(64), 'ä'],
  },
  {
    parse: names.network,
    takes: [
      ...['10.0.0.1', '10.0.0.0/8', '0.0.0.0/0', '203.0.113.7/32', '203.0.113.128/25'],
      ...['2001:db8::/32', '2001:DB8:0:0::/64', '::/0', 'fd00::1', '2001:db8::1/128', '2001:db8:8000::/33'],
    ],
    refuses: [
      '203.0.113.7/24',
      '203.0.113.64/25',
      '2001:db8::1/64',
      '2001:db8:8000::/32',
      '',
      '10.0.0.0/33',
      '10.0.0',
      'fe80::1%eth0',
      '::/129',
      'home',
      '10.0.0.1, 10.0.0.2',
    ],
  },
  {
    parse: names.openPort,
    takes: ['8080/tcp', '51820/udp', '60000-61000/udp'],
    refuses: ['8080', '0/tcp', '65536/tcp', '80/http', '90-80/tcp', '80-80/tcp', '80 /tcp', '1-2-3/udp'],
  },
  { parse: names.machineName, takes: ['vps1'], refuses: [`${'a'.repeat(40)}.${'b'.repeat(40)}`] },
  { parse: names.domain, takes: ['api.example.org'], refuses: ['10.0.0.1', '::1', '*.example.org', 'a;b'] },
  {
    parse: names.hostOrAddress,
    takes: ['10.0.0.1', '::1', 'Box.example'],
    refuses: ['-oProxyCommand=x', 'a b', ''],
  },
  {
    parse: names.sshDestination,
    takes: ['10.0.0.1', '::1', 'My_box', 'vps1.example.org'],
    refuses: ['-oProxyCommand=x', 'a b', '', 'root@box'],
  },
  {
    parse: names.userName,
    takes: ['deploy', 'ops_1'],
    refuses: ['root', 'www-data', 'postgres', 'systemd-x', 'Deploy', '1a', 'a b', 'a'.repeat(33)],
  },
  { parse: names.loginName, takes: ['root', 'ubuntu', 'J.Doe'], refuses: ['-l', 'a b', ''] },
  {
    parse: names.appName,
    takes: ['api', 'my-app2'],
    refuses: ['nginx', 'ssh', 'postgresql', 'Api', '2a', 'a_b', 'api-release', 'a'.repeat(22), '../a'],
  },
  { parse: names.processName, takes: ['web', 'worker_2'], refuses: ['release', 'queue', 'Web', 'a b'] },
  { parse: names.taskKind, takes: ['digest', 'export_posts', 'a.b:c-1'], refuses: ['', '1a', 'a b', 'a/b'] },
  {
    parse: names.variableName,
    takes: ['LOG_LEVEL', '_a', 'DATABASE_URL'],
    refuses: [
      '1A',
      'A-B',
      'A B',
      '',
      'PORT',
      'NODE_ENV',
      'RELEASE',
      'PATH',
      'LD_PRELOAD',
      'BASH_ENV',
      'PM2_HOME',
    ],
  },
  { parse: names.variableValue, takes: ['', '$(id)`"\\', 'ü€'], refuses: ['a\nb', 'a\rb', 'a\0b', '\ud800'] },
  {
    parse: names.pathPrefix,
    takes: ['/', '/api', '/a/b.c'],
    refuses: ['', 'api', '/api/', '//', '/a b', '/..', '/a?b', '/a;b'],
  },
  {
    parse: names.urlPath,
    takes: ['/', '/api/readyz', '/a/'],
    refuses: ['', 'api', '/a b', '/../x', '/a"b', '/a\\b'],
  },
  {
    parse: names.timeZone,
    takes: ['UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires', 'Etc/GMT+1'],
    refuses: ['', 'utc', 'Mars/Base', '+01:00', '../etc'],
  },
  {
    parse: names.privateNetwork,
    takes: ['10.77.0.0/24', '172.31.1.0/24', '192.168.5.0/24'],
    refuses: ['8.8.8.0/24', '10.77.0.1/24', '10.77.0.0/16', '10.777.0.0/24', '172.32.0.0/24', 'fd00::/64'],
  },
];

for (const { parse, takes, refuses } of cases) {
  describe(parse.name, () => {
    for (const text of takes) it(`takes ${JSON.stringify(text)}`, () => assert.equal(parse(text), text));
    for (const text of refuses) {
      it(`refuses ${JSON.stringify(text)}`, () => assert.throws(() => parse(text), RangeError));
    }
  });
}
