import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { methodsArgv, personalArgv, remoteArgv, remoteCommand, sessionArgv } from './ssh-argv.ts';

const reach = {
  sshConfig: '/state/ssh_config',
  alias: 'berth-local',
  firstUser: 'root',
  names: ['10.77.0.2'],
};

describe('remoteCommand', () => {
  const hostile = [
    '',
    ' ',
    'a b',
    "it's",
    '"',
    '$HOME',
    '$(id)',
    '`id`',
    '\\',
    '\\n',
    'a\nb',
    '*',
    '~',
    '!x',
    ';',
    '&&',
    '|',
    '<',
    '#',
    '-n',
    '--',
    '=x',
    'A=b',
    'ü€',
    '\t',
    "'\\''",
    '{a,b}',
  ];

  it('reaches the other side word for word, whatever the words hold', () => {
    const line = remoteCommand(['printf', '%s\\0', ...hostile]);
    const words = execFileSync('sh', ['-c', line], { encoding: 'utf8' }).split('\0').slice(0, -1);
    assert.deepEqual(words, hostile);
  });

  it('leaves plain words readable', () => {
    assert.equal(
      remoteCommand(['sudo', '-n', '/opt/berth/node', 'main.ts']),
      'sudo -n /opt/berth/node main.ts',
    );
  });

  it('refuses a NUL, which no command can take', () => {
    assert.throws(() => remoteCommand(['a\0b']), { code: 'argument_invalid' });
  });
});

describe('ssh argv', () => {
  it('of a command of ours never asks and never shares a connection', () => {
    assert.equal(
      remoteArgv(reach, 'deploy', ['echo', 'a b']).join(' '),
      'ssh -T -a -x -o ClearAllForwardings=yes -o RemoteCommand=none -o ConnectTimeout=10 -F /state/ssh_config -o BatchMode=yes ' +
        "-o ControlMaster=no -o ControlPath=none -o ServerAliveInterval=5 -o ServerAliveCountMax=3 -l deploy -- berth-local echo 'a b'",
    );
  });

  it('of a session may ask, and lends its connection to others', () => {
    const session = sessionArgv(reach, 'root', ['cat'], '/tmp/100%/s');
    assert.ok(!session.includes('BatchMode=yes') && session.includes('ControlMaster=yes'));
    const lent = remoteArgv(reach, 'root', ['true'], '/tmp/100%/s');
    for (const argv of [session, lent]) assert.ok(argv.includes('ControlPath=/tmp/100%%/s'), argv.join(' '));
    assert.ok(lent.includes('BatchMode=yes') && lent.includes('ControlMaster=no'));
  });

  it('goes to the port that the machine was found at, whatever it is for', () => {
    const moved = { ...reach, port: 2222 };
    for (const argv of [
      remoteArgv(moved, 'deploy', ['true']),
      personalArgv(moved, 'deploy', [], true),
      methodsArgv(moved, 'deploy', 'none'),
    ])
      assert.match(argv.join(' '), / -F \/state\/ssh_config -p 2222 .*-l deploy -- berth-local/);
  });

  it('of a person asks for a terminal where there is one', () => {
    assert.deepEqual(personalArgv(reach, 'deploy', [], true).slice(0, 2), ['ssh', '-t']);
    assert.deepEqual(personalArgv(reach, 'deploy', ['ls'], false).slice(-4), [
      'deploy',
      '--',
      'berth-local',
      'ls',
    ]);
  });

  it('uses the person’s own configuration where the machine has none', () => {
    assert.ok(
      !remoteArgv({ alias: 'vps.example.org', firstUser: 'root', names: [] }, 'root', ['true']).includes(
        '-F',
      ),
    );
  });
});
