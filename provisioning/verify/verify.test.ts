import assert from 'node:assert/strict';
import type { Settings } from '../settings.ts';
import { type Finding, findingsOf, isChosen, judge, several, weigh } from './finding.ts';
import { parseSockets } from './listening.ts';
import { isPublished } from './own-files.ts';
import { weak } from './ssh-algorithms.ts';
import { parseOptions } from './sshd.ts';
import { parseRules } from './sudoers.ts';
import { isForeign } from './users.ts';

const rule = { id: 'one.thing', title: 'it holds', fix: 'mend it', reference: 'Berth' };

describe('findings', () => {
  it('pass with what is fine, and fail with what is wrong, shortened', () => {
    assert.deepEqual(judge(rule, [], 'all fine'), { ...rule, status: 'pass', evidence: 'all fine' });
    assert.deepEqual(judge(rule, ['a', 'b'], ''), { ...rule, status: 'fail', evidence: 'a; b' });
    assert.equal(
      several(['1', '2', '3', '4', '5', '6', '7', '8', '9', '10']),
      '1; 2; 3; 4; 5; 6; 7; 8 and 2 more',
    );
  });

  it('fail with what is wrong, and warn where there is only what is odd', () => {
    const statuses = [weigh(rule, ['a'], ['b'], ''), weigh(rule, [], ['b'], ''), weigh(rule, [], [], 'fine')];
    assert.deepEqual(
      statuses.map(({ status, evidence }) => [status, evidence]),
      [
        ['fail', 'a; b'],
        ['warn', 'b'],
        ['pass', 'fine'],
      ],
    );
  });

  it('only warn of a person’s account that Berth did not make', () => {
    const settings = { admin: { user: 'deploy' }, apps: { api: {} } } as unknown as Settings;
    const all = Object.entries({ root: 0, daemon: 1, debian: 1000, deploy: 1001, api: 1002, nobody: 65_534 });
    const users = all.map(([name, uid]) => ({ name, uid, gid: uid, home: '', shell: '' }));
    assert.deepEqual(
      users.filter((user) => isForeign(user, settings)).map(({ name }) => name),
      ['debian'],
    );
  });

  it('are chosen by a check or by one finding of it', async () => {
    const check = (id: string) => ({
      id,
      run: async () => ['a', 'b'].map((what): Finding => judge({ ...rule, id: `${id}.${what}` }, [], '')),
    });
    const chosen = async (only: string[] | null) =>
      (await findingsOf([check('one'), check('ones')], null, only)).map(({ id }) => id);
    assert.deepEqual(await chosen(null), ['one.a', 'one.b', 'ones.a', 'ones.b']);
    assert.deepEqual(await chosen(['one']), ['one.a', 'one.b']);
    assert.deepEqual(await chosen(['ones.b']), ['ones.b']);
    assert.equal(isChosen('one', ['ones.b']), false);
  });

  it('say so where a check could not look', async () => {
    const broken = { id: 'broken', run: () => Promise.reject(new Error('spawn nft ENOENT')) };
    for (const only of [null, ['broken']]) {
      const [finding] = await findingsOf([broken], null, only);
      assert.deepEqual(
        [finding?.id, finding?.status, finding?.evidence],
        ['broken.seen', 'fail', 'spawn nft ENOENT'],
      );
    }
  });
});

describe('files of Berth’s own', () => {
  it('are secret but for those that are published', () => {
    const open = ['/etc/berth/tls/ca.pem', '/etc/berth/maintenance/api/on', '/var/lib/berth/version'];
    const secret = [
      '/etc/berth/webhook',
      '/etc/berth/tls/ca.pem.old',
      '/var/lib/berth/guard/armed.1/files/3',
    ];
    assert.deepEqual([...open, ...secret].filter(isPublished), open);
  });
});

describe('what checks read', () => {
  it('is what sshd -T says, the first of what it says twice', () => {
    const options = parseOptions(
      'port 22\npermitrootlogin without-password\nacceptenv LANG\nacceptenv LC_*\nusedns no\n',
    );
    assert.deepEqual(
      [options.get('permitrootlogin'), options.get('acceptenv')],
      ['without-password', 'LANG'],
    );
  });

  it('tells Debian’s own SSH algorithms that are not sound', () => {
    const kex =
      'sntrup761x25519-sha512@openssh.com,curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,diffie-hellman-group16-sha512,diffie-hellman-group14-sha256';
    assert.deepEqual(weak('kex', kex), ['ecdh-sha2-nistp256', 'diffie-hellman-group14-sha256']);
    assert.deepEqual(weak('mac', 'umac-64-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256'), [
      'umac-64-etm@openssh.com',
      'hmac-sha2-256',
    ]);
    assert.deepEqual(
      weak(
        'hostKey',
        'ssh-ed25519,ssh-ed25519-cert-v01@openssh.com,sk-ssh-ed25519@openssh.com,rsa-sha2-512,ecdsa-sha2-nistp256',
      ),
      ['ecdsa-sha2-nistp256'],
    );
    assert.deepEqual(weak('cipher', 'chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-cbc'), [
      'aes128-cbc',
    ]);
  });

  it('is sudo’s rules without comments, over joined lines', () => {
    const text =
      '# none\nDefaults\tuse_pty\n@includedir /etc/sudoers.d\n#includedir /etc/sudoers.d\nada ALL=(ALL) \\\n  NOPASSWD: ALL # for now\n#1001 ALL=(ALL) ALL\n';
    assert.deepEqual(parseRules(text), [
      'Defaults use_pty',
      'ada ALL=(ALL) NOPASSWD: ALL',
      '#1001 ALL=(ALL) ALL',
    ]);
  });

  it('is what ss says of sockets', () => {
    const text = [
      'udp   UNCONN 0      0      127.0.0.53%lo:53        0.0.0.0:*    users:(("systemd-resolve",pid=99,fd=14))',
      'tcp   LISTEN 0      511          0.0.0.0:443       0.0.0.0:*    users:(("nginx",pid=812,fd=8),("nginx",pid=811,fd=8))',
      'tcp   LISTEN 0      128             [::]:22           [::]:*    users:(("sshd",pid=88,fd=4))',
      '',
    ].join('\n');
    assert.deepEqual(parseSockets(text), [
      { protocol: 'udp', address: '127.0.0.53%lo', port: 53, program: 'systemd-resolve' },
      { protocol: 'tcp', address: '0.0.0.0', port: 443, program: 'nginx' },
      { protocol: 'tcp', address: '[::]', port: 22, program: 'sshd' },
    ]);
  });
});
