import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { banFiles } from './bans.ts';
import { firewallFiles, openPorts } from './firewall.ts';
import type { FirewallSettings, Settings } from './settings.ts';

function settings(firewall: Partial<FirewallSettings> = {}): Settings {
  return {
    ssh: { port: 22 },
    nginx: { httpPort: 80, httpsPort: 443, publicHttpsPort: 443 },
    firewall: { enabled: true, allow: [], sshFrom: [], ban: true, ...firewall },
  } as unknown as Settings;
}

const rulesOf = (firewall?: Partial<FirewallSettings>) =>
  firewallFiles(settings(firewall))['/etc/berth/firewall.nft'] ?? '';

const networks = ['10.0.0.0/8', '10.1.0.0/16', '192.0.2.7', '2001:db8::/32'];
const ports = ['8080/tcp', '8000-9000/tcp', '51820/udp'];

describe('the firewall', () => {
  it('opens SSH, the ports of nginx and what is allowed, and nothing else', () => {
    assert.deepEqual(openPorts(settings({ allow: ports })), ['22/tcp', '80/tcp', '443/tcp', ...ports]);
    const opened = [...rulesOf({ allow: ports }).matchAll(/^ +(?:tcp|udp) dport .*$/gm)].map(([rule]) =>
      rule.trim(),
    );
    assert.deepEqual(opened, [
      'tcp dport 22 goto ssh',
      'tcp dport 80 accept',
      'tcp dport 443 accept',
      'tcp dport 8080 accept',
      'tcp dport 8000-9000 accept',
      'udp dport 51820 accept',
    ]);
  });

  it('lets everybody begin to log in, or the networks that are named', () => {
    assert.match(rulesOf(), /chain ssh \{\n {4}goto logins\n/);
    const rules = rulesOf({ sshFrom: networks });
    assert.doesNotMatch(rules, /^ {4}goto logins$/m);
    assert.match(
      rules,
      /ip saddr 192\.0\.2\.7 goto logins\n {4}ip6 saddr 2001:db8::\/32 goto logins\n {4}counter drop/,
    );
  });

  it('replaces its own table alone', () => {
    const commands = rulesOf()
      .split('\n')
      .filter((line) => /^[a-z]/.test(line));
    assert.deepEqual(commands, ['add table inet berth', 'delete table inet berth', 'table inet berth {']);
  });

  for (const [name, firewall] of Object.entries({
    'by its defaults': {},
    'with more ports and networks that overlap': { allow: ports, sshFrom: networks },
  })) {
    it(`is what nft takes, ${name}`, function () {
      // Of a network of its own: only its syntax and the kernel's answer count.
      const argv = ['--net', 'nft', '--check', '--file', '-'];
      const { status, stderr, error } = spawnSync('unshare', argv, { input: rulesOf(firewall) });
      if (error || /not permitted|No such file/.test(`${stderr}`)) this.skip();
      assert.equal(status, 0, `${stderr}`);
    });
  }
});

describe('the bans', () => {
  it('are of the ports that are served', () => {
    const jails = banFiles(settings())['/etc/fail2ban/jail.d/berth.local'] ?? '';
    assert.deepEqual(
      [...jails.matchAll(/^port = (.*)$/gm)].map(([, ports]) => ports),
      ['22', '80,443'],
    );
    assert.equal(jails.match(/^ignorecommand = /gm)?.length, 2);
  });
});
