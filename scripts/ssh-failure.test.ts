import assert from 'node:assert/strict';
import { sshFailure } from './ssh-failure.ts';

const reach = { alias: 'box', firstUser: 'root', names: ['10.77.0.2'] };

// As OpenSSH 9.2 says it.
const cases: [code: string | undefined, stderr: string][] = [
  ['machine_unreachable', 'ssh: connect to host 10.77.0.2 port 22: Connection refused\r\n'],
  ['machine_unreachable', 'ssh: connect to host 10.77.0.2 port 22: No route to host\r\n'],
  ['machine_unreachable', 'ssh: connect to host 10.77.0.2 port 22: Connection timed out\r\n'],
  ['machine_unreachable', 'ssh: Could not resolve hostname nowhere.invalid: Name or service not known\r\n'],
  [
    'machine_unreachable',
    'kex_exchange_identification: read: Connection reset by peer\r\nConnection reset by 10.77.0.2 port 22\r\n',
  ],
  ['machine_unreachable', 'Connection timed out during banner exchange\r\n'],
  ['ssh_auth_failed', 'root@10.77.0.2: Permission denied (publickey,password).\r\n'],
  ['ssh_auth_failed', 'Received disconnect from 10.77.0.2 port 22:2: Too many authentication failures\r\n'],
  [
    'host_key_unknown',
    'No ED25519 host key is known for box and you have requested strict checking.\r\nHost key verification failed.\r\n',
  ],
  ['connection_lost', 'client_loop: send disconnect: Broken pipe\r\n'],
  ['connection_lost', 'Timeout, server 10.77.0.2 not responding.\r\n'],
  ['connection_lost', 'Connection to 10.77.0.2 closed by remote host.\r\n'],
  [
    'ssh_failed',
    '/state/ssh_config: line 1: Bad configuration option: hosst\r\n/state/ssh_config: terminating, 1 bad configuration options\r\n',
  ],
  ['ssh_failed', "Can't open user config file /state/ssh_config: No such file or directory\r\n"],
  [undefined, 'my-program: cannot open the file\n'],
  [undefined, ''],
];

describe('sshFailure', () => {
  for (const [code, stderr] of cases) {
    it(`takes ${JSON.stringify(stderr.slice(0, 50))} for ${code ?? 'the command’s own'}`, () => {
      assert.equal(sshFailure(stderr, reach, 'root')?.code, code);
    });
  }

  it('names the line of known_hosts whose key has changed', () => {
    const stderr = [
      '@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@',
      '@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @',
      'Add correct host key in /home/me/.ssh/known_hosts to get rid of this message.',
      'Offending ED25519 key in /home/me/.ssh/known_hosts:7',
      'Host key verification failed.',
    ].join('\r\n');
    const failure = sshFailure(stderr, reach, 'root');
    assert.equal(failure?.code, 'host_key_changed');
    assert.match(failure.message, /\/home\/me\/\.ssh\/known_hosts:7/);
  });
});
