import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, runChecked } from '../../scripts/process.ts';
import { type Checkout, cloneRepository, type Status } from './checkout.ts';
import { type Client, clientOf } from './client.ts';
import { eventually } from './computer.ts';
import { bridge, type Stranger, stranger } from './stranger.ts';
import { figure } from './user.ts';

/** As Docker lays it out: a bridge of its own, its tables by iptables, and a published port. */
const docker = `
set -eu
ip link add docker0 type bridge
ip address add 172.17.0.1/16 dev docker0
ip link set docker0 up
ip netns add box
ip link add veth0 type veth peer name eth0 netns box
ip link set veth0 master docker0 up
ip -n box address add 172.17.0.2/16 dev eth0
ip -n box link set eth0 up
ip -n box link set lo up
ip -n box route add default via 172.17.0.1
echo 1 >/proc/sys/net/ipv4/ip_forward
nft -f - <<END
table ip nat {
  chain PREROUTING { type nat hook prerouting priority dstnat; policy accept; fib daddr type local jump DOCKER; }
  chain POSTROUTING { type nat hook postrouting priority srcnat; policy accept; oifname != "docker0" ip saddr 172.17.0.0/16 masquerade; }
  chain DOCKER { iifname != "docker0" tcp dport 8081 dnat to 172.17.0.2:80; }
}
table ip filter {
  chain FORWARD { type filter hook forward priority filter; policy drop; ct state related,established accept; oifname "docker0" jump DOCKER; iifname "docker0" oifname != "docker0" accept; }
  chain DOCKER { iifname != "docker0" oifname "docker0" ip daddr 172.17.0.2 tcp dport 80 accept; }
}
END
systemd-run --quiet --unit=box ip netns exec box /opt/berth/node/bin/node -e 'require("node:http").createServer((_, answer) => answer.end("in a box")).listen(80)'
`;

/** The firewall and the bans of one machine, seen by its operator and by strangers on its network. */
describe('the firewall', function () {
  this.timeout(900_000);
  this.bail(true);
  const prefix6 = `fd77:${randomBytes(2).toString('hex')}`;
  const machine6 = `${prefix6}::2`;
  const hosts = (firewall: string) =>
    checkout.settings(`machine: {kind: container}\nfirewall: ${firewall}\napps: {api: {watch: 0s}}\n`);
  const strangers: Stranger[] = [];
  let checkout: Checkout;
  let status: Status;
  let address: string;
  let ask: Client;

  async function meet(last: number): Promise<Stranger> {
    const one = await stranger(last, prefix6);
    strangers.push(one);
    return one;
  }

  this.beforeAll(async () => {
    checkout = await cloneRepository({ installed: true });
    hosts('{}');
    await checkout.must(['up']);
    status = await checkout.status();
    address = new URL(status.url).hostname;
    ask = clientOf(status);
    await runChecked(['ip', 'address', 'add', `${prefix6}::1/64`, 'dev', bridge, 'nodad']);
    await checkout.ssh(`sudo ip address add ${machine6}/64 dev host0 nodad`);
  });
  this.afterAll(async () => {
    for (const one of strangers) await one.remove();
    await run(['ip', 'address', 'del', `${prefix6}::1/64`, 'dev', bridge]);
    await checkout?.remove();
  });

  /** What nmap finds in these states, e.g. `22/open`. */
  async function scan(from: Stranger, target: string, ...options: string[]): Promise<string[]> {
    const family = target.includes(':') ? ['-6'] : [];
    const argv = ['nmap', ...family, '-n', '-Pn', '-oG', '-', '--max-retries', '2', ...options, target];
    const { stdout } = await from.run(argv, { timeoutMs: 120_000 });
    assert.match(stdout, /1 host up/, stdout);
    return [...stdout.matchAll(/(\d+)\/(open|closed)\//g)].map(([, port, state]) => `${port}/${state}`);
  }

  const every = ['-sS', '-p-', '--min-rate', '8000'];
  const udp = ['-sU', '-p', '53,67,68,111,123,137,161,500,546,547,1900,4500,5353,5355,8472,51820'];
  const served = ['22/open', '80/open', '443/open'];

  /** `n` logins of the operator, four at a time. */
  async function logIn(n: number): Promise<void> {
    const argv = [...status.ssh.split(' '), '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=5', 'true'];
    let left = n;
    const one = async () => {
      while (left-- > 0) await runChecked(argv);
    };
    await Promise.all([one(), one(), one(), one()]);
  }

  const refusedFrom = async (from: Stranger) =>
    (await from.run(['curl', '-sk', '-m', '2', `https://${address}/api/livez`])).code !== 0
      ? true
      : undefined;
  const servedTo = async (from: Stranger) =>
    (await from.run(['curl', '-skf', '-m', '2', `https://${address}/api/livez`])).code === 0
      ? true
      : undefined;

  it('leaves 22, 80 and 443 to nmap, and nothing else, by IPv4 and IPv6', async () => {
    const from = await meet(201);
    assert.deepEqual(await scan(from, address, ...every), served);
    assert.deepEqual(await scan(from, machine6, ...every), served);
    assert.deepEqual(await scan(from, address, ...udp), []);
    assert.deepEqual(await scan(from, machine6, ...udp), []);
    for (const target of [address, machine6]) {
      const argv = [
        'nmap',
        ...(target === machine6 ? ['-6'] : []),
        '-n',
        '-sn',
        '-PE',
        '--disable-arp-ping',
        target,
      ];
      assert.match((await from.run(argv)).stdout, /1 host up/, 'it answers a ping');
    }
  });

  it('limits how often a stranger begins to log in, and never the operator', async () => {
    const from = await meet(202);
    // At once: a ban must not be quicker.
    const script = `for (let n = 0; n < 60; n += 1) require('node:net').connect(22, process.argv[1]).on('error', () => {});
      setTimeout(process.exit, 1000);`;
    const knock = (target: string) => from.run([process.execPath, '--eval', script, target]);
    await Promise.all([knock(address), knock(machine6), logIn(60)]);
    const limits = await checkout.ssh('sudo nft list chain inet berth logins');
    const dropped = [...limits.matchAll(/counter packets (\d+)/g)].map(([, packets]) => Number(packets));
    assert.equal(dropped.length, 2);
    assert.ok(
      dropped.every((packets) => packets > 0),
      limits,
    );
  });

  it('bans who is answered 401 by an application again and again, for a while, and never the operator', async () => {
    const from = await meet(203);
    // Else ten minutes.
    await checkout.ssh('sudo fail2ban-client set berth-api bantime 20');
    const asks = (...options: string[]) =>
      from.run(['curl', '-sk', '-o', '/dev/null', ...options]).then(({ code }) => assert.equal(code, 0));
    // As any web page can make its visitors do.
    await asks(`https://${address}/api/posts?[1-30]`);
    await asks('-d', 'username=a&password=b', `https://${address}/api/posts?[1-30]`);
    const token = 'no.such.token';
    await asks('-H', `Authorization: Bearer ${token}`, `https://${address}/api/posts?[1-19]`);
    await asks('-H', 'Content-Type: application/json', '-d', '{}', `https://${address}/api/posts`);
    for (let round = 0; round < 30; round += 1)
      assert.equal((await ask({ path: '/api/posts', token })).status, 401);
    await eventually('the ban', 20, () => refusedFrom(from));
    const counted = `sudo grep -c ' ${from.address}$' /var/log/nginx/refused.log`;
    assert.equal((await checkout.ssh(counted)).trim(), '20');
    assert.equal((await from.run(['curl', '-s', '-m', '2', `http://${address}/`])).code !== 0, true);
    const banned = await checkout.ssh('sudo fail2ban-client get berth-api banip');
    assert.deepEqual(banned.trim().split(/\s+/), [from.address]);
    assert.equal((await ask({ path: '/api/posts' })).status, 401);
    await eventually('the end of the ban', 60, () => servedTo(from));
    await checkout.ssh('sudo fail2ban-client set berth-api bantime 600');
  });

  it('bans who fails to log in again and again', async () => {
    const from = await meet(204);
    const options = [
      'BatchMode=yes',
      'ConnectTimeout=2',
      'StrictHostKeyChecking=no',
      'UserKnownHostsFile=/dev/null',
    ];
    const ssh = [
      'ssh',
      '-F',
      'none',
      ...options.flatMap((option) => ['-o', option]),
      `nobody-here@${address}`,
    ];
    await eventually('the ban', 90, async () => {
      // A ban in the middle of a login drops what it waits for, of which ssh knows no end.
      await from.run(['timeout', '10', ...ssh, 'true']);
      const banned = await checkout.ssh('sudo fail2ban-client get sshd banip');
      return banned.includes(from.address) ? true : undefined;
    });
    assert.match((await from.run([...ssh, 'true'])).stderr, /refused|timed out/);
    await servedTo(from);
    await logIn(4);
  });

  it('is seen to be gone, or to have another rule, and comes back', async () => {
    for (const harm of [
      'flush ruleset',
      'add rule inet berth input tcp dport 9 accept',
      'delete table inet berth',
    ]) {
      await checkout.ssh(`sudo nft ${harm}`);
      const { code, stdout } = await checkout.berth(['plan']);
      assert.equal(code, 2, harm);
      assert.match(stdout, /^~ rules of the firewall[\s\S]*^0 to add, 1 to change, 0 to remove/m, harm);
      assert.match((await checkout.must(['apply'])).stdout, /^0 added, 1 changed, 0 removed/m);
    }
    await checkout.must(['plan']);
  });

  it('leaves the ports that Docker publishes open', async () => {
    await checkout.ssh(`sudo sh -c '${docker.replaceAll("'", `'\\''`)}'`);
    const from = await meet(205);
    const box = await eventually('the box', 20, async () => {
      const { stdout } = await from.run(['curl', '-s', '-m', '2', `http://${address}:8081/`]);
      return stdout || undefined;
    });
    assert.equal(box, 'in a box');
    const out = await checkout.ssh(
      `sudo ip netns exec box /opt/berth/node/bin/node -e 'fetch("http://${address}/nothing", {redirect: "manual"}).then(({status}) => console.log(status))'`,
    );
    assert.equal(out.trim(), '308');
    const before = await checkout.ssh('sudo nft list table ip nat; sudo nft list table ip filter');
    await checkout.ssh('sudo systemctl reload berth-firewall');
    assert.equal(await checkout.ssh('sudo nft list table ip nat; sudo nft list table ip filter'), before);
    await checkout.must(['plan']);
  });

  it('opens what it is told to, and logins to those networks alone that it is told of', async () => {
    hosts('{allow: [8080/tcp], ssh_from: [10.77.0.0/24]}');
    await checkout.must(['apply']);
    const from = await meet(206);
    assert.deepEqual(await scan(from, address, '-sS', '-p', '22,80,443,8080,8082'), [
      ...served,
      '8080/closed',
    ]);
    assert.deepEqual(await scan(from, machine6, '-sS', '-p', '22,80,443,8080,8082'), [
      ...served.slice(1),
      '8080/closed',
    ]);
  });

  it('takes networks back that shut the operator out', async () => {
    checkout.settings(
      'machine: {kind: container}\nconfirm_within: 10s\nfirewall: {ssh_from: [192.0.2.0/24]}\napps: {api: {watch: 0s}}\n',
    );
    const { code, stderr } = await checkout.berth(['apply']);
    assert.equal(code, 1);
    assert.match(stderr, /not_confirmed|login/);
    hosts('{}');
    await checkout.must(['apply']);
    await logIn(2);
  });

  it('stands before anything listens after a reboot, and knows the operator still', async () => {
    await checkout.reboot();
    await logIn(40);
    const times = await checkout.ssh(
      'systemctl is-system-running --wait >/dev/null; systemctl show --property=ActiveEnterTimestampMonotonic --value berth-firewall ssh nginx | grep .',
    );
    const [firewall = 0, ...others] = times.trim().split('\n').map(Number);
    assert.ok(firewall > 0 && others.every((time) => time > firewall), times);
    assert.match(
      await checkout.ssh('sudo nft list set inet berth operators4'),
      /elements = \{ 10\.77\.0\.1 /,
    );
    assert.equal((await checkout.ssh('systemctl is-active fail2ban')).trim(), 'active');
  });

  it('is provisioned, deployed to and proven by its IPv6 address alone', async () => {
    await checkout.ssh(`sudo ip address add ${machine6}/64 dev host0 nodad`);
    const home = mkdtempSync(join(tmpdir(), 'berth-home-'));
    try {
      mkdirSync(join(home, '.ssh'));
      const known = join(home, '.ssh/known_hosts');
      writeFileSync(known, (await runChecked(['ssh-keyscan', '-t', 'ed25519', machine6])).stdout);
      writeFileSync(join(home, '.ssh/config'), `AddressFamily inet6\nUserKnownHostsFile ${known}\n`);
      const identity = (await run(status.ssh.split(' ').toSpliced(1, 0, '-G'))).stdout;
      const [, key = ''] = /^identityfile (.*)$/m.exec(identity) ?? [];
      const { stdout: line } = await runChecked(['ssh-keygen', '-y', '-f', key]);
      writeFileSync(
        join(checkout.root, 'provisioning/hosts/six.yml'),
        `machine: {kind: ssh, host: "${machine6}", identity: ${key}}\nadmin: {keys: ["${line.trim()}"]}\napps: {api: {watch: 0s}}\n`,
      );
      const env = { HOME: home, npm_config_userconfig: join(homedir(), '.npmrc') };
      await checkout.must(['up', '--host', 'six'], { env });
      const six = JSON.parse((await checkout.must(['status', '--host', 'six', '--json'], { env })).stdout);
      assert.deepEqual([six.url, six.healthy], [new URL(`https://[${machine6}]`).origin, true]);
      figure('reached and proven by IPv6 alone', six.url);
    } finally {
      rmSync(home, { recursive: true });
    }
  });

  it('is taken away where the hosts file says so', async () => {
    hosts('{enabled: false, ban: false}');
    await checkout.must(['apply']);
    assert.doesNotMatch(await checkout.ssh('sudo nft list tables'), /inet (berth|f2b)/);
    await checkout.must(['plan']);
  });
});
