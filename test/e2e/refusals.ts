import assert from 'node:assert/strict';
import { join } from 'node:path';
import { run } from '../../scripts/process.ts';
import { eventually } from './computer.ts';
import type { User } from './user.ts';

/** What a person is told who comes second, stops half way, mistypes, or finds the machine taken or switched off. */
export function refuses(user: User): void {
  it('holds a second apply off and names who holds the machine; what its operator left is waited for', async () => {
    await user.checkout.ssh(
      'sudo dpkg --remove --force-depends logrotate >/dev/null; sudo rm -f /var/lib/apt/lists/*_Packages*',
    );
    const first = user.checkout.berth(['apply', '--json']);
    await eventually('the first apply', 20, async () =>
      (await user.checkout.ssh('systemctl is-active berth-run.service || true')).trim() === 'active'
        ? true
        : undefined,
    );
    const second = await user.checkout.berth(['apply']);
    assert.equal(second.code, 1);
    assert.match(second.stderr, /is held by the apply that \w+@\S+ began \d+ s ago \(locked\)/);
    assert.equal((await first).code, 0);
  });

  it('stops at Ctrl-C and goes on with the same command', async () => {
    await user.checkout.ssh(
      'sudo rm -rf /var/www/berth /etc/nginx/berth/tls.conf; sudo dpkg --remove --force-depends logrotate >/dev/null',
    );
    const stop = new AbortController();
    const interrupted = run(
      ['timeout', '--signal=INT', '1.5', join(user.checkout.root, 'scripts/berth'), 'apply'],
      { cwd: user.checkout.root, signal: stop.signal },
    );
    const { code, stderr } = await interrupted;
    assert.ok([0, 1, 124, 130].includes(code), `${code}: ${stderr}`);
    await user.checkout.must(['apply']);
    assert.equal((await user.checkout.berth(['plan'])).code, 0);
  });

  it('is told what is wrong with its input, and nothing changes', async () => {
    const wrong: [string, RegExp, number][] = [
      [
        'machine: {kind: container}\napps: {api: {procesess: {web: 2}}}\n',
        /local\.yml:2:\d+ .*procesess.*did you mean "processes"/s,
        1,
      ],
      [
        'machine: {kind: container}\nadmin: {keys: [ssh-ed25519 AAAA]}\napps: {api: {watch: 0s}}\n',
        /local\.yml:2:\d+ .*admin\.keys/s,
        1,
      ],
      ['machine: {kind: vm}\napps: {api: {watch: 0s}}\n', /local\.yml:1:\d+ .*machine\.kind/s, 1],
    ];
    for (const [yaml, message, code] of wrong) {
      user.checkout.settings(yaml);
      const result = await user.checkout.berth(['apply']);
      assert.match(result.stderr, message);
      assert.equal(result.code, code, result.stderr);
    }
    user.checkout.settings('machine: {kind: container}\napps: {api: {watch: 0s}}\n');
    assert.equal((await user.checkout.berth(['plan', '--host', 'nowhere'])).code, 64);
    assert.equal((await user.checkout.berth(['aply'])).code, 64);
    assert.equal((await user.checkout.berth(['plan'])).code, 0);
  });

  it('is told who has taken a port of the machine', async () => {
    await user.checkout.ssh(
      `sudo systemctl stop nginx; sudo systemd-run --quiet --unit=squatter /opt/berth/node/bin/node -e "require('net').createServer().listen(443)"`,
    );
    await eventually('the squatter', 10, async () =>
      (await user.checkout.ssh('ss -Hltn sport = :443')).trim() === '' ? undefined : true,
    );
    const refused = await user.checkout.berth(['apply']);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /port 443 of the machine is taken by (node|MainThread).*port_taken/s);
    await user.checkout.ssh('sudo systemctl stop squatter');
    await user.checkout.must(['apply']);
  });

  it('is told when the machine is switched off, and switches it on', async () => {
    await user.checkout.must(['down']);
    for (const words of [['status'], ['apply'], ['plan'], ['deploy'], ['logs']]) {
      const result = await user.checkout.berth(words);
      assert.equal(result.code, 1);
      assert.match(result.stderr, /machine_stopped/, words.join(' '));
      assert.match(result.stderr, /berth up/);
    }
    await user.checkout.must(['up']);
  });
}
