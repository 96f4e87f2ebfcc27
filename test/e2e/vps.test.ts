import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RunResult, run, runChecked } from '../../scripts/process.ts';
import { type Bare, bareMachine } from './bare.ts';
import { type Checkout, cloneRepository } from './checkout.ts';
import { timed } from './computer.ts';
import { createPerson, type Person } from './person.ts';
import { figure } from './user.ts';

/** Of unique local addresses (RFC 4193), for the bridge that the machines are on. */
const subnet = 'fd77:6265:7274';
const bridge = async () =>
  /^\d+: (\S+)/.exec(
    (await runChecked(['ip', '-o', '-4', 'address', 'show', 'to', '10.77.0.1'])).stdout,
  )?.[1] ?? '';

const password = "correct 'horse' $battery";

/** Two bare machines, known by their addresses alone: one lets root in by key, one a sudo user by password. */
describe('a machine that exists', function () {
  this.timeout(600_000);
  this.bail(true);
  let checkout: Checkout;
  let ada: Person;
  let twelve: Bare;
  let thirteen: Bare;

  this.beforeAll(async () => {
    checkout = await cloneRepository({ installed: true });
    ada = await createPerson();
    [twelve, thirteen] = await Promise.all([
      bareMachine(checkout.root, 'bookworm', 'debian-12'),
      bareMachine(checkout.root, 'trixie', 'debian-13'),
    ]);
    await twelve.inside(
      'umask 077; mkdir -p /root/.ssh; cat >/root/.ssh/authorized_keys',
      `${ada.publicKey}\n`,
    );
    await thirteen.inside(
      'rm -r /root/.ssh; useradd -m -s /bin/bash -G sudo ada; chpasswd',
      `ada:${password}\n`,
    );
    // OpenSSH 9.8 turns an address away for a while that gave wrong passwords, as this test does on purpose.
    await thirteen.inside(
      'cat >/etc/ssh/sshd_config.d/50-test.conf; systemctl reload ssh',
      'PerSourcePenalties no\n',
    );
    // Only what berth init writes counts.
    rmSync(join(checkout.root, 'provisioning/hosts/local.yml'));
  });
  this.afterAll(async () => {
    await run(['ip', 'address', 'delete', `${subnet}::1/64`, 'dev', await bridge()]);
    await Promise.all([twelve?.destroy(), thirteen?.destroy()]);
    await checkout?.remove();
    ada?.remove();
  });

  const berth = (words: string[], env: Record<string, string> = {}): Promise<RunResult> =>
    ada.run([join(checkout.root, 'scripts/berth'), ...words], { cwd: checkout.root, env });
  const must = async (words: string[], env?: Record<string, string>) => {
    const result = await berth(words, env);
    assert.equal(result.code, 0, `${words.join(' ')}\n${result.stdout}\n${result.stderr}`);
    return result.stdout;
  };
  const known = (bare: Bare) => bare.hostKeys.map((key) => `${bare.address} ${key}\n`).join('');
  const hostsFile = (name: string) => join(checkout.root, `provisioning/hosts/${name}.yml`);
  const asking = (answer = password) => ({
    SSH_ASKPASS: ada.askpass(answer),
    SSH_ASKPASS_REQUIRE: 'force',
    SUDO_ASKPASS: ada.askpass(answer),
  });
  /** Files that are newer than our mark; logs and what runs are written all the time. */
  const changed = (bare: Bare) =>
    bare.inside('find /boot /etc /home /opt /root /srv /usr -newer /run/looked -type f');

  it('is not reached while its host key is unknown and nobody is there to compare it', async () => {
    const { code, stderr } = await berth(['init', `root@${twelve.address}`]);
    assert.equal(code, 1, stderr);
    assert.match(stderr, /\(host_key_unknown\)/);
  });

  it('is looked at and described by berth init, which changes nothing there', async () => {
    ada.write('known_hosts', known(twelve));
    await twelve.inside('touch /run/looked');
    const init = ['init', `root@${twelve.address}`, '--name', 'twelve'];
    const said = await must(init);
    for (const fact of [
      /Debian GNU\/Linux 12 \(bookworm\), x86-64/,
      /^login +root, who is root$/m,
      /^listens +22 sshd$/m,
      /^clock +right, /m,
    ])
      assert.match(said, fact);
    assert.equal(await changed(twelve), '');
    const text = readFileSync(hostsFile('twelve'), 'utf8');
    assert.ok(text.includes(ada.publicKey) && text.includes(`host: ${twelve.address}`), text);
    const again = await berth(init);
    assert.equal(again.code, 64, 'nobody is there to say that it may be replaced');
    assert.match(again.stderr, /twelve\.yml is there already.*confirmation_needed/s);
    assert.equal(readFileSync(hostsFile('twelve'), 'utf8'), text);
    await must([...init, '--yes']);
  });

  it('is reached through another machine, by password, at a terminal', async () => {
    ada.write(
      'config',
      `Host through\n  HostName ${thirteen.address}\n  HostKeyAlias through\n  ProxyJump root@${twelve.address}\n`,
    );
    await thirteen.inside('touch /run/looked');
    const { code, stdout } = await ada.atTerminal(
      [join(checkout.root, 'scripts/berth'), 'init', 'ada@through'],
      [
        [/The domain of the API/, 'api.example.com'],
        [/The name of its hosts file \[api-example-com\]/, 'through'],
        [/authenticity of host[\s\S]*continue connecting/, 'yes'],
        [/ada@\S+ password:/, password],
      ],
      checkout.root,
    );
    assert.equal(code, 0, stdout);
    assert.ok(!stdout.includes(password), 'the password was shown');
    assert.match(stdout, /^login +ada, for whom sudo wants a password/m);
    assert.match(
      readFileSync(hostsFile('through'), 'utf8'),
      /host: through\n[\s\S]*domains: \[api\.example\.com\]/,
    );
    assert.equal(
      (await ada.run(['ssh-keygen', '-F', 'through'])).code,
      0,
      'its host key is known from now on',
    );
    assert.match(
      await thirteen.inside(
        'ss -Htn state time-wait state established; journalctl -t sshd -t sshd-session --no-pager',
      ),
      new RegExp(`Accepted password for ada from ${twelve.address}`),
    );
    assert.equal(await changed(thirteen), '');
    rmSync(hostsFile('through'));
  });

  it('wants a password of somebody who can be asked', async () => {
    ada.write('known_hosts', known(twelve) + known(thirteen));
    assert.match((await berth(['init', `ada@${thirteen.address}`])).stderr, /SSH_ASKPASS[\s\S]*$/);
    assert.match(
      (await berth(['init', `ada@${thirteen.address}`], asking('wrong'))).stderr,
      /\(ssh_auth_failed\)/,
    );
    await must(['init', `ada@${thirteen.address}`, '--name', 'thirteen'], asking());
    const { SUDO_ASKPASS: _, ...sshOnly } = asking();
    const nobody = await berth(['plan', '-H', 'thirteen'], sshOnly);
    assert.deepEqual(
      [nobody.code, /\(sudo_password_needed\)/.test(nobody.stderr)],
      [64, true],
      nobody.stderr,
    );
    const wrong = await berth(['plan', '-H', 'thirteen'], { ...sshOnly, SUDO_ASKPASS: ada.askpass('wrong') });
    assert.match(wrong.stderr, /\(sudo_refused\)/);
    assert.ok(!existsSync(join(checkout.root, '.berth/machines/thirteen')), 'nothing of it is kept here');
  });

  it('is planned by passwords that are asked for once each, at a terminal', async () => {
    const { code, stdout } = await ada.atTerminal(
      [join(checkout.root, 'scripts/berth'), 'plan', '--host', 'thirteen'],
      [
        [/ada@\S+ password:/, 'not this one'],
        [/ada@\S+ password:/, password],
        [/Password of ada@\S+ for sudo:/, 'nor this one'],
        [/Password of ada@\S+ for sudo:/, password],
      ],
      checkout.root,
    );
    assert.equal(code, 2, stdout);
    assert.ok(!stdout.includes(password));
    assert.match(stdout, /^\d+ to add, \d+ to change, \d+ to remove/m);
    assert.doesNotMatch(
      await thirteen.inside('journalctl --no-pager; cat /var/log/*.log 2>/dev/null || :'),
      /battery/,
    );
  });

  it('is applied beside another one, and a third that is away stops neither', async () => {
    writeFileSync(
      hostsFile('away'),
      readFileSync(hostsFile('twelve'), 'utf8').replace(twelve.address, '127.0.0.1\n  port: 1'),
    );
    const [result, seconds] = await timed(() => berth(['apply', '--all'], asking()));
    figure('first apply of Debian 12 and 13 side by side, s', seconds.toFixed(0));
    assert.equal(result.code, 1, result.stderr);
    assert.match(result.stderr, /^away \| error: .*\(machine_unreachable\)$/m);
    const wrong = result.stderr.split('\n').filter((line) => / error: | {2}next: |failed on|Job /.test(line));
    assert.match(wrong.join('\n'), /failed on away; done on 2 of 3 hosts/);
    for (const name of ['twelve', 'thirteen'])
      assert.match(result.stdout, new RegExp(`^${name} \\| [1-9]\\d* added`, 'm'));
    rmSync(hostsFile('away'));
  });

  it('has nothing to do for a second apply, by key alone', async () => {
    const [said, seconds] = await timed(() => must(['apply', '--all']));
    figure('second apply of both, s', seconds.toFixed(1));
    for (const name of ['twelve', 'thirteen'])
      assert.match(said, new RegExp(`^${name} \\| 0 added, 0 changed, 0 removed`, 'm'));
    assert.equal((await berth(['plan', '-H', 'twelve,thirteen'])).code, 0);
  });

  it('is reached by IPv6 alone', async () => {
    const address = `${subnet}::7`;
    await runChecked(['ip', 'address', 'replace', `${subnet}::1/64`, 'dev', await bridge(), 'nodad']);
    await twelve.inside(`ip address add ${address}/64 dev host0 nodad; ip -4 address flush dev host0`);
    const settings = readFileSync(hostsFile('twelve'), 'utf8');
    writeFileSync(hostsFile('twelve'), settings.replace(`host: ${twelve.address}`, `host: "${address}"`));
    twelve = { ...twelve, address };
    ada.write('known_hosts', known(twelve) + known(thirteen));
    const looked = await must(['init', `deploy@[${address}]`, '--name', 'six']);
    assert.match(looked, /berth has applied it before|who may use sudo without a password/);
    rmSync(hostsFile('six'));
  });

  it('serves after berth up, which proves it', async () => {
    await Promise.all(['twelve', 'thirteen'].map((name) => must(['up', '--host', name])));
    const status = await must(['status', '--all']);
    assert.match(status, /^twelve \| url +https:\/\/\[fd77:/m);
    for (const name of ['twelve', 'thirteen'])
      assert.match(status, new RegExp(`^${name} \\| healthy +true`, 'm'));
  });

  it('lets nobody in but the admin user, and nobody by password', async () => {
    const login = (to: string, ...options: string[]) =>
      ada.run(['ssh', '-o', 'NumberOfPasswordPrompts=1', ...options, to, 'true'], { env: asking() });
    const refused = async (to: string, ...options: string[]) => {
      const { code, stderr } = await login(to, ...options);
      assert.deepEqual([code, /Permission denied/.test(stderr)], [255, true], `${to}: ${stderr}`);
    };
    assert.equal((await login(`deploy@${twelve.address}`)).code, 0);
    await refused(`root@${twelve.address}`);
    await refused(`ada@${thirteen.address}`);
    await refused(`deploy@${thirteen.address}`, '-o', 'PubkeyAuthentication=no');
  });

  it('is left alone once it shows another host key', async () => {
    const [other = ''] = thirteen.hostKeys.filter((key) => key.startsWith('ssh-ed25519'));
    ada.write('known_hosts', `${twelve.address} ${other}\n${known(thirteen)}`);
    await twelve.inside('touch /run/looked');
    for (const words of [['status'], ['plan'], ['apply'], ['up']]) {
      const { code, stderr } = await berth([...words, '--host', 'twelve'], asking());
      assert.deepEqual([code, /\(host_key_changed\)/.test(stderr)], [1, true], stderr);
    }
    assert.equal((await berth(['init', `root@${twelve.address}`, '--yes'])).code, 1);
    assert.equal(await changed(twelve), '');
  });
});
