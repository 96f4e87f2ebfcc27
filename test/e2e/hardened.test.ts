import assert from 'node:assert/strict';
import { type Checkout, cloneRepository } from './checkout.ts';
import { clientOf } from './client.ts';
import { eventually } from './computer.ts';

/** The most that `systemd-analyze security` may say of each unit. */
const bounds: Record<string, number> = {
  'api@1.service': 1.3,
  'api-workers.service': 1.3,
  'postgresql@17-main.service': 1,
  'fail2ban.service': 2,
  'nginx.service': 2.5,
  'api.service': 2.5,
  'berth-backup.service': 3,
  'berth-drill.service': 3,
  'berth-updates.service': 3,
  'berth-notify.service': 2.5,
  'berth-drift.service': 4,
  'ssh.service': 9,
};

/** The operating system around the applications: held back, and still of use to who looks after it. */
describe('a hardened machine', function () {
  this.timeout(600_000);
  this.bail(true);
  let checkout: Checkout;
  const sudo = (line: string) => checkout.ssh(`sudo sh -euc "${line.replace(/["$`\\]/g, '\\$&')}"`);
  const readyz = async () => {
    const status = await checkout.status();
    return (await clientOf(status)({ path: '/api/readyz' })).status;
  };

  this.beforeAll(async () => {
    checkout = await cloneRepository({ installed: true });
    checkout.settings('machine: {kind: container}\napps: {api: {watch: 0s}}\n');
    await checkout.must(['up']);
  });
  this.afterAll(async () => checkout?.remove());

  async function isHardened(): Promise<void> {
    const units = Object.keys(bounds).join(' ');
    const said = await sudo(
      `for unit in ${units}; do systemd-analyze security --no-pager $unit | tail -n 1; done`,
    );
    const rated = [...said.matchAll(/ level for (\S+): ([\d.]+)/g)];
    for (const [, unit, exposure] of rated) console.log(`    figure: exposure of ${unit}: ${exposure}`);
    assert.deepEqual(
      rated.map(([, unit]) => unit),
      Object.keys(bounds),
    );
    for (const [line, unit = '', exposure] of rated) assert.ok(Number(exposure) <= (bounds[unit] ?? 0), line);
    for (const path of ['/tmp', '/dev/shm']) {
      const options = await checkout.ssh(
        `findmnt --noheadings --output OPTIONS --mountpoint ${path} | tail -n 1`,
      );
      for (const option of ['nosuid', 'nodev', 'noexec'])
        assert.ok(options.includes(option), `${path} ${option}`);
    }
    assert.equal((await checkout.ssh('cat /proc/sys/net/ipv4/conf/all/accept_redirects')).trim(), '0');
    assert.equal((await checkout.berth(['plan'])).code, 0);
  }

  it('shuts in every service, and mounts what everybody writes to without programs', isHardened);

  it('lets people log in, become root and others, and run what they like', async () => {
    assert.match(await checkout.ssh('umask; sudo -u postgres id -un'), /^00[02]7\npostgres\n$/);
    assert.equal((await checkout.ssh('sudo systemd-run --quiet --pipe --wait id -un')).trim(), 'root');
    assert.equal((await checkout.ssh('sudo su - postgres -c "psql -Atc \'select 1\'"')).trim(), '1');
    assert.equal((await checkout.ssh('bash -lc "ulimit -Hc"')).trim(), '0');
    // A mount made in a session is everybody's, as without a sandbox.
    await checkout.ssh('sudo mkdir -p /mnt/e2e; sudo mount -t tmpfs none /mnt/e2e');
    assert.match(
      await sudo('nsenter --target 1 --mount findmnt --noheadings /mnt/e2e; umount /mnt/e2e'),
      /tmpfs/,
    );
  });

  it('restarts, reloads and rotates what is shut in', async () => {
    const version = (await sudo('ls /etc/postgresql')).trim();
    for (const word of ['reload', 'restart', 'stop', 'start'])
      await sudo(`pg_ctlcluster ${version} main ${word}`);
    await sudo('systemctl restart nginx; systemctl reload nginx; logrotate --force /etc/logrotate.d/nginx');
    await eventually('an answer', 30, async () => ((await readyz()) === 200 ? true : undefined));
    await eventually('a line in the new log', 10, async () =>
      (await sudo('cat /var/log/nginx/access.log')).includes('/api/readyz') ? true : undefined,
    );
    await sudo('rm -f /tmp/e2e.dump; sudo -u postgres pg_dump -Fc api >/tmp/e2e.dump; test -s /tmp/e2e.dump');
    await checkout.must(['backup', 'now']);
    await sudo('systemctl start berth-backup.service berth-drill.service');
    assert.equal((await checkout.berth(['plan'])).code, 0);
  });

  it('installs security updates by itself, but none of PostgreSQL, and restarts nothing that serves', async () => {
    const said = await sudo('unattended-upgrade --dry-run --debug 2>&1');
    assert.match(said, /label=Debian-Security/);
    assert.doesNotMatch(said, /label=Debian[,'"]/);
    assert.match(said, /blacklist.*\^postgresql/i);
    const units =
      'nginx.service postgresql@17-main.service api@3.service api.service berth-run.service ssh.service';
    const overridden = await checkout.ssh(
      `perl -e 'our %nrconf; do "/etc/needrestart/conf.d/zz-berth.conf" or die; for my $u (@ARGV) { my @m = grep { $u =~ /$_/ } keys %{$nrconf{override_rc}}; print "$u\\n" if @m }' ${units}`,
    );
    assert.deepEqual(overridden.trim().split('\n'), units.split(' ').slice(0, -1));
  });

  it('says which updates wait, and which of them by hand', async () => {
    const { stdout } = await checkout.must(['status', '--json']);
    const { updates } = JSON.parse(stdout);
    assert.ok(Array.isArray(updates.security) && Array.isArray(updates.restarts), JSON.stringify(updates));
    assert.equal(updates.rebootRequired, false);
    // As apt would find it, of a version that is older than its own lists have.
    await sudo('touch /run/reboot-required');
    assert.match((await checkout.must(['status'])).stdout, /^updates .*a reboot is needed$/m);
    await sudo('rm /run/reboot-required; rm /var/lib/berth/updates.json; apt-get -qq update');
    await eventually('what apt has written down', 30, async () =>
      (await checkout.ssh('cat /var/lib/berth/updates.json')).includes('security') ? true : undefined,
    );
  });

  it('is all of this after a reboot too', async () => {
    await checkout.reboot();
    await eventually('a healthy release', 60, async () =>
      (await checkout.status()).healthy ? true : undefined,
    );
    await isHardened();
  });
});
