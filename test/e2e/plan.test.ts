import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runChecked } from '../../scripts/process.ts';
import { type Checkout, cloneRepository } from './checkout.ts';
import { interrupt, killAll, processesOf } from './kill.ts';
import { figure } from './user.ts';

const conf = '/etc/systemd/journald.conf.d/berth.conf';
const hosts = (more: string) =>
  `machine: {kind: container}\n${more}apps: {api: {watch: 0s, shared: [uploads], env: {PIN: "4711"}}}\n`;

/** Plans that are applied as they are, what was changed by hand, and a machine without Berth. */
describe('a plan, drift and the way back', function () {
  this.timeout(600_000);
  this.bail(true);
  let checkout: Checkout;
  const file = () => join(checkout.root, 'plan.json');

  this.beforeAll(async () => {
    checkout = await cloneRepository({ installed: true });
    checkout.settings(hosts(''));
    await checkout.must(['up']);
  });
  this.afterAll(() => checkout?.remove());

  /** Plans `journal` anew and returns what planning said. */
  async function planned(journal: string) {
    checkout.settings(hosts(`journal: {max_use: ${journal}}\n`));
    const plan = await checkout.berth(['plan', '--out', 'plan.json']);
    assert.equal(plan.code, 2, plan.stderr);
    return plan;
  }

  async function refused(code: string, said: RegExp) {
    const { code: exit, stderr } = await checkout.berth(['apply', '--plan', 'plan.json']);
    assert.equal(exit, 1);
    assert.match(stderr, said);
    assert.ok(stderr.includes(`(${code})`), stderr);
  }

  it('is written down without any content, and applied exactly', async () => {
    const { stdout } = await planned('300mb');
    assert.match(stdout, /^ {6}\+SystemMaxUse=300M$/m);
    assert.match(stdout, /^0 to add, \d+ to change, 0 to remove$/m);
    const text = readFileSync(file(), 'utf8');
    assert.equal(statSync(file()).mode & 0o777, 0o600);
    assert.doesNotMatch(text, /SystemMaxUse|PIN|300M/);
    assert.match((await checkout.ssh('sudo stat -c "%a %U" /var/lib/berth/plan.key')).trim(), /^600 root$/);
    const applied = await checkout.must(['apply', '--plan', 'plan.json']);
    assert.match(applied.stdout, /^0 added, \d+ changed, 0 removed/m);
    assert.equal((await checkout.berth(['plan'])).code, 0);
    await refused('plan_stale', /berth\.conf: no longer differs/);
  });

  it('is refused with what moved: a setting, a resource, the host key, the code, the file itself', async () => {
    await planned('200mb');
    const plan = readFileSync(file(), 'utf8');
    checkout.settings(hosts('journal: {max_use: 201mb}\n'));
    await refused('plan_stale', /^ {2}the setting journal \(/m);
    checkout.settings(hosts('journal: {max_use: 200mb}\n'));
    await checkout.ssh(`sudo sed -i s/300M/299M/ ${conf}; sudo chmod 0701 /var/www/berth`);
    await refused(
      'plan_stale',
      /directory \/var\/www\/berth: differs since\n.*berth\.conf: differs in another way/,
    );
    await checkout.ssh(`sudo sed -i s/299M/300M/ ${conf}; sudo chmod 0755 /var/www/berth`);
    const key = '/etc/ssh/ssh_host_other_key';
    await checkout.ssh(`sudo ssh-keygen -q -t ed25519 -N '' -f ${key}`);
    await refused('plan_stale', /host key: SHA256:\S+.* then, SHA256:\S+.* now/);
    await checkout.ssh(`sudo rm ${key} ${key}.pub`);
    const source = join(checkout.root, 'provisioning/receive.ts');
    appendFileSync(source, '// another code\n');
    await refused('plan_stale', /Berth's own code/);
    await runChecked(['git', '-C', checkout.root, 'checkout', '--quiet', source]);
    const altered: [string, RegExp][] = [
      [plan.replace(/"digest": "./, '"digest": "0'), /was altered/],
      [plan.replace('"host": "local"', '"host": "vps"'), /of the machine vps/],
      [plan.slice(0, 400), /cut short/],
    ];
    for (const [text, said] of altered) {
      writeFileSync(file(), text);
      await refused('plan_invalid', said);
    }
    writeFileSync(file(), plan);
    await checkout.must(['apply', '--plan', 'plan.json']);
    assert.equal((await checkout.berth(['plan'])).code, 0);
  });

  it('drift is what a hand has changed, with diffs and without secrets', async () => {
    assert.equal((await checkout.berth(['drift'])).code, 0);
    await checkout.ssh(`sudo sed -i s/200M/99M/ ${conf}; sudo sed -i s/4711/4712/ /etc/api/env`);
    const { code, stdout } = await checkout.berth(['drift']);
    assert.equal(code, 2);
    assert.match(stdout, /^ {6}-SystemMaxUse=99M\n {6}\+SystemMaxUse=200M$/m);
    assert.match(stdout, /PIN changed/);
    assert.doesNotMatch(stdout, /471/);
    assert.match(stdout, /^\d resources were changed by hand since the apply of /m);
  });

  it('is found by the timer, and shown by status until an apply mends it', async () => {
    await checkout.ssh('sudo rm /var/lib/berth/drift.json; sudo systemctl start --wait berth-drift.service');
    const kept = await checkout.ssh(
      'sudo stat -c %a /var/lib/berth/drift.json; sudo cat /var/lib/berth/drift.json',
    );
    assert.match(kept, /^600\n/);
    assert.doesNotMatch(kept, /SystemMaxUse|471/);
    assert.match(
      (await checkout.berth(['status'])).stdout,
      /^drift +\d resources since .*environment of api/m,
    );
    await checkout.must(['apply']);
    assert.match((await checkout.berth(['status'])).stdout, /^drift +none since /m);
    assert.match(await checkout.ssh('systemctl is-enabled berth-drift.timer'), /^enabled/);
  });

  it('is neither an upgrade nor what a person means to change', async () => {
    await checkout.ssh('sudo apt-get -qq -y install --reinstall logrotate >/dev/null 2>&1');
    await checkout.ssh(
      "sudo sed -i '/^Package: tzdata$/,/^$/s/^Version: .*/Version: 2099a-0/' /var/lib/dpkg/status",
    );
    checkout.settings(hosts('journal: {max_use: 123mb}\n'));
    const source = join(checkout.root, 'provisioning/receive.ts');
    appendFileSync(source, '// another code\n');
    assert.equal((await checkout.berth(['plan'])).code, 2);
    const { code, stdout, stderr } = await checkout.berth(['drift']);
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /^nothing was changed by hand since the apply of /m);
    await runChecked(['git', '-C', checkout.root, 'checkout', '--quiet', source]);
  });

  it('cannot be told from the rest of an apply that was cut short', async () => {
    // The release comes back near the end and takes seconds: the kill surely finds the run.
    await checkout.ssh('sudo rm -r /var/www/berth; sudo systemctl stop "api@*.service"');
    const machineSide = () => killAll(processesOf(checkout, 'berth-run.service'));
    const ended = await interrupt(checkout, ['apply'], (seen) => seen.type === 'applied', machineSide);
    assert.ok(ended.killed);
    const { code, stderr } = await checkout.berth(['drift']);
    assert.equal(code, 1);
    assert.match(stderr, /\(apply_unfinished\)/);
    await checkout.must(['apply']);
    assert.equal((await checkout.berth(['drift'])).code, 0);
  });

  const removed =
    'sudo ls -d /opt/berth /etc/berth /var/lib/berth /etc/api /run/api /var/cache/berth 2>/dev/null || true';

  it('remove leaves the data, a way in, and the distribution’s own; killed, it goes on', async () => {
    await checkout.must(['psql', '--', '-qc', 'CREATE TABLE kept AS SELECT 42 AS it']);
    await checkout.ssh('echo kept | sudo -u api tee /srv/api/shared/uploads/file >/dev/null');
    const asked = await checkout.berth(['remove']);
    assert.equal(asked.code, 64);
    let seen = 0;
    const half = await interrupt(
      checkout,
      ['remove', '--yes'],
      (event) => event.type === 'applied' && ++seen > 25,
      () => killAll(processesOf(checkout, 'berth-run.service')),
    );
    assert.ok(half.killed);
    const { stdout, seconds } = await checkout.must(['remove', '--yes']);
    figure('berth remove after it was killed half way, in s', seconds.toFixed(1));
    assert.match(stdout, /^left: the database api, with its role$/m);
    assert.match(stdout, /^left: the user api, who owns what is in \/srv\/api\/shared$/m);
    assert.match(stdout, /^left: the user deploy, with its keys and its sudo$/m);
    assert.equal(await checkout.ssh(removed), '');
    const units = await checkout.ssh(
      "systemctl list-units --all --no-legend 'api*' 'berth*'; ls /etc/systemd/system",
    );
    assert.doesNotMatch(units, /api|berth/);
    assert.match(await checkout.ssh('sudo ls /var/backups/berth'), /-manual/);
    // Neither nginx's files nor any other that Debian brought differ from Debian's.
    assert.equal(await checkout.ssh('sudo dpkg --verify nginx-common nginx logrotate 2>&1 || true'), '');
    assert.equal(
      await checkout.ssh('readlink /etc/nginx/sites-enabled/default'),
      '/etc/nginx/sites-available/default\n',
    );
    assert.equal(await checkout.ssh('sudo nginx -t -q; systemctl is-active nginx ssh'), 'active\nactive\n');
    // The image of a container machine brings three of its own.
    const named = await checkout.ssh(
      "sudo find /etc /usr/local /var /srv /home -xdev -iname '*berth*' ! -name 90berth ! -name 10-berth.network ! -path /etc/dpkg/dpkg.cfg.d/berth | sort",
    );
    assert.equal(named, '/etc/sudoers.d/berth-deploy\n/var/backups/berth\n');
  });

  it('a plan brings everything back around the data', async () => {
    assert.equal((await checkout.berth(['plan', '--out', 'plan.json'])).code, 2);
    const { stderr } = await checkout.must(['apply', '--plan', 'plan.json']);
    assert.match(stderr, /followed from the plan: .*systemd units/);
    await checkout.must(['deploy']);
    assert.equal((await checkout.status()).healthy, true);
    const row = (await checkout.must(['psql', '--', '-Atqc', 'SELECT it FROM kept'])).stdout;
    assert.equal(row.trim(), '42');
    assert.equal(await checkout.ssh('sudo -u api cat /srv/api/shared/uploads/file'), 'kept\n');
    assert.equal((await checkout.berth(['plan'])).code, 0);
    assert.equal((await checkout.berth(['drift'])).code, 0);
    assert.match((await checkout.berth(['backup'])).stdout, /before berth remove/);
  });

  it('remove --purge-data deletes the data too', async () => {
    const asked = await checkout.berth(['remove', '--purge-data', '--yes']);
    assert.equal(asked.code, 64);
    assert.match(asked.stderr, /--purge-data=local/);
    const { stdout } = await checkout.must(['remove', '--purge-data=local']);
    assert.doesNotMatch(stdout, /^left: .*(database|\/srv|backups|user api)/m);
    assert.equal(
      await checkout.ssh('ls -d /srv/api /var/backups/berth 2>/dev/null; getent passwd api || true'),
      '',
    );
    const databases = await checkout.ssh(
      "sudo -u postgres psql -Atqc 'SELECT datname FROM pg_database ORDER BY 1'",
    );
    assert.equal(databases, 'postgres\ntemplate0\ntemplate1\n');
    assert.equal((await checkout.ssh('sudo -n id -u')).trim(), '0');
  });
});
