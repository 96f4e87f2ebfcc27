import assert from 'node:assert/strict';
import { join } from 'node:path';
import { runChecked } from '../../scripts/process.ts';
import { type Checkout, cloneRepository } from './checkout.ts';
import { type Client, clientOf } from './client.ts';
import { eventually } from './computer.ts';
import { broken, publisher } from './publisher.ts';
import { writeQuickStart } from './quickstart.ts';

const image = process.env.BERTH_IMAGE ?? 'debian-13';
const weekly = { kind: 'digest', payload: { days: 7 }, schedule: '0 7 * * 1' };

/** RabbitMQ on a machine with two applications that share it, and `berth queue`. */
describe('the queue of an application', function () {
  this.timeout(900_000);
  this.bail(true);
  let checkout: Checkout;
  let ask: Client;
  let password: string;

  const settings = (queue: string, machine = '', watch = '0s') => {
    const of = (name: string, more: string) =>
      `${name}: {path: apps/${name}, prefix: /${name}, health: /${name}, secrets: [], watch: ${watch}, database: none, queue: ${queue}${more}}`;
    const cron = `, cron: [${JSON.stringify(weekly)}]`;
    checkout.settings(
      `machine: {kind: container, image: ${image}}\n${machine}apps:\n  ${of('shop', cron)}\n  ${of('blog', '')}\n`,
    );
  };
  const rabbit = (words: string) => checkout.ssh(`sudo rabbitmqctl --quiet ${words}`);
  const waiting = async (app = 'shop') => (await ask({ path: `/${app}/depth` })).json.waiting;
  const live = async () => String((await ask({ path: '/shop' })).json.release);
  const publish = async (app = 'shop') =>
    assert.equal((await ask({ method: 'POST', path: `/${app}` })).status, 200);
  const converged = async () => assert.equal((await checkout.berth(['plan'])).code, 0);
  const url = async () =>
    (await checkout.berth(['run', '--app', 'shop', '--', 'printenv', 'QUEUE_URL'])).stdout.trim();
  const queue = (...words: string[]) => checkout.berth(['queue', '--app', 'shop', ...words]);
  const changes = async (words: string[]) => {
    const { stdout } = await checkout.must(words);
    return /^(\d+ added, \d+ changed, \d+ removed)/m.exec(stdout)?.[1];
  };

  const client = async () => {
    const { url, ca } = await checkout.status();
    return clientOf({ url, ca });
  };

  this.beforeAll(async () => {
    checkout = await cloneRepository({ installed: true });
    for (const name of ['shop', 'blog']) {
      await writeQuickStart(join(checkout.root, 'apps', name), publisher(name, { asked: name === 'shop' }));
    }
    await runChecked(['git', '-C', checkout.root, 'add', '--all']);
    await runChecked(['git', '-C', checkout.root, 'commit', '--quiet', '--message', 'Publish']);
    settings('rabbitmq');
    await checkout.must(['up']);
    ask = await client();
    [, password = ''] = /:([\w-]{43})@/.exec(await url()) ?? [];
  });
  this.afterAll(() => checkout?.remove());

  it('is there after one apply, and the second changes nothing', async () => {
    const { stdout, seconds } = await checkout.must(['apply']);
    console.log(`    figure: apply that changes nothing, RabbitMQ included, s: ${seconds.toFixed(1)}`);
    assert.match(stdout, /^0 added, 0 changed, 0 removed/m);
    await converged();
  });

  it('listens on loopback alone, and so do its tools', async () => {
    const addresses = (await checkout.ssh("ss -Htln | awk '{ print $4 }'")).trim().split('\n');
    const own = addresses.filter((address) => /:(5672|25672|4369)$/.test(address)).sort();
    assert.deepEqual(own, ['127.0.0.1:25672', '127.0.0.1:4369', '127.0.0.1:5672']);
    const beyond = addresses.filter((address) => !address.startsWith('127.') && !address.startsWith('[::1]'));
    assert.deepEqual([...new Set(beyond.map((address) => address.replace(/.*:/, '')))].sort(), [
      '22',
      '443',
      '80',
    ]);
  });

  it('lets each application in to its own vhost, and nobody else anywhere', async () => {
    assert.equal(await url(), `amqp://shop:${password}@127.0.0.1:5672/shop`);
    const users = JSON.parse(await rabbit('list_users --formatter json')) as {
      user: string;
      tags: string[];
    }[];
    assert.deepEqual(
      users.sort((a, b) => (a.user < b.user ? -1 : 1)),
      [
        { user: 'blog', tags: [] },
        { user: 'shop', tags: [] },
      ],
    );
    const vhosts = JSON.parse(await rabbit('list_vhosts --formatter json')) as { name: string }[];
    assert.deepEqual(vhosts.map(({ name }) => name).sort(), ['blog', 'shop']);
    const verified = await checkout.berth(['verify', '--json']);
    const wrong = verified.stdout.split('\n').filter((line) => line.includes('"status":"fail"'));
    assert.deepEqual(wrong, []);
    assert.match(verified.stdout, /"id":"rabbitmq\.refused"[^\n]*"status":"pass"/);
  });

  it('has its password in the environment and nowhere else', async () => {
    const places = '/etc /srv /var/lib/berth /var/log /run /var/cache/berth /tmp /opt/berth/code/';
    // By standard input: the journal keeps sudo's argv.
    const found = await checkout.ssh(
      `sudo grep -rlsF --exclude-dir=proc --file=- ${places} || true`,
      password,
    );
    const others = found
      .split('\n')
      .filter((path) => !/^$|^\/etc\/shop\/env$|^\/srv\/shop\/releases\/\d+\/env$/.test(path));
    assert.deepEqual(others, []);
    const inJournal =
      'password=$(cat); sudo journalctl --quiet --output=export | grep -acF -- "$password" || true';
    assert.equal(await checkout.ssh(inJournal, password), '0\n');
  });

  it('takes work, in a quorum queue, and keeps it when the broker is killed', async () => {
    for (let count = 0; count < 3; count += 1) await publish();
    assert.equal(await waiting(), 3);
    const queues = JSON.parse(await rabbit('list_queues -p shop name type durable --formatter json'));
    assert.deepEqual(queues, [{ name: 'work', type: 'quorum', durable: true }]);
    const began = performance.now();
    await checkout.ssh('sudo kill -KILL $(systemctl show --property=MainPID --value rabbitmq-server)');
    await eventually('the work', 60, async () => ((await waiting()) === 3 ? true : undefined));
    console.log(
      `    figure: RabbitMQ killed, until work is there again, s: ${((performance.now() - began) / 1000).toFixed(1)}`,
    );
    await converged();
  });

  it('is shown with its depth and what was given up', async () => {
    const { stdout, code } = await queue();
    assert.equal(code, 0);
    assert.match(stdout, /^tasks wait in RabbitMQ, connected$/m);
    assert.match(stdout, /^work +3 +0 +0 +-$/m);
    assert.match(stdout, /^9 +work +5 +2026-11-21 09:47:18 +no disk$/m);
    const json = JSON.parse((await queue('--json')).stdout) as { type: string; kinds: { waiting: number }[] };
    assert.deepEqual([json.type, json.kinds[0]?.waiting], ['queue', 3]);
    const retried = await queue('retry', '9');
    assert.deepEqual([retried.code, retried.stdout], [0, 'task 9: retry, asked in v1\n']);
    const none = await queue('drop', '8');
    assert.deepEqual([none.code, none.stdout, none.stderr], [3, '', 'there is no task 8\n']);
    const missing = await checkout.berth(['queue', '--app', 'blog']);
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /names no queue.*\(queue_missing\)/s);
  });

  it('says so when the broker is short of disk, or does not run, which the next apply mends', async () => {
    await rabbit('set_disk_free_limit 100000GB');
    await eventually('the alarm', 30, async () =>
      /! RabbitMQ has less than/.test((await queue()).stdout) ? true : undefined,
    );
    await rabbit('set_disk_free_limit 512MiB');
    await checkout.ssh('sudo systemctl stop rabbitmq-server');
    const { stdout } = await queue();
    assert.match(stdout, /^tasks wait in RabbitMQ, not connected$/m);
    assert.match(
      stdout,
      /^! RabbitMQ does not run \(rabbitmq-server.service is inactive\); berth apply starts it$/m,
    );
    assert.equal(await changes(['apply']), '0 added, 1 changed, 0 removed');
    assert.equal(await waiting(), 3);
  });

  it('gets back its vhost and its user, should somebody take them away', async () => {
    await rabbit('delete_user blog');
    assert.equal((await checkout.berth(['drift'])).code, 2);
    assert.equal(await changes(['apply']), '1 added, 0 changed, 0 removed');
    await publish('blog');
    await converged();
  });

  it('has another password on request, and the former one again with the release before', async () => {
    const before = await url();
    await checkout.must(['config', 'unset', 'QUEUE_URL', '--app', 'shop']);
    const after = await url();
    assert.notEqual(after, before);
    assert.equal(await waiting(), 3);
    await checkout.must(['rollback', '--app', 'shop']);
    assert.equal(await url(), before);
    assert.equal(await waiting(), 3);
    await converged();
  });

  it('stays open to the release that serves when one with another password does not go live, or not for long', async () => {
    const before = await url();
    const another = () => checkout.berth(['config', 'unset', 'QUEUE_URL', '--app', 'shop']);
    const breakAt = (what: string) => checkout.ssh(`sudo install --mode=0644 /dev/stdin ${broken}`, what);
    await breakAt('start');
    assert.match((await another()).stderr, /\(release_crashes\)/);
    assert.equal(await waiting(), 3);
    settings('rabbitmq', '', '60s');
    await breakAt('answers');
    let over = false;
    const worse = another().finally(() => {
      over = true;
    });
    while (!over) await ask({ path: '/shop/any' });
    assert.match((await worse).stderr, /\(release_worse\)/);
    assert.equal(await waiting(), 3);
    assert.equal(await url(), before);
    await checkout.ssh(`sudo rm ${broken}`);
    settings('rabbitmq');
    await converged();
  });

  it('is the same after another host name and a reboot', async () => {
    settings('rabbitmq', 'hostname: renamed\n');
    await checkout.must(['apply']);
    await checkout.reboot();
    await eventually('the work', 90, async () => ((await waiting()) === 3 ? true : undefined));
    await converged();
  });

  it('goes with the setting, from release and environment at once, and stops when nobody works with it', async () => {
    assert.deepEqual(JSON.parse(String((await ask({ path: '/shop' })).json.cron)), [
      { ...weekly, timezone: 'UTC', missed: 'once' },
    ]);
    assert.equal((await ask({ path: '/blog' })).json.cron, null);
    const withQueue = await live();
    settings('postgres', 'hostname: renamed\n');
    const { stderr } = await checkout.must(['apply']);
    // The releases before stay warm on a machine of this size.
    assert.match(
      stderr,
      /^! RabbitMQ runs on for v\d+ of shop, v\d+ of blog; an apply after that stops it$/m,
    );
    for (const app of ['shop', 'blog']) {
      await eventually(`${app} without a queue`, 20, async () =>
        (await ask({ path: `/${app}` })).json.url === false ? true : undefined,
      );
    }
    await converged();
    for (const app of ['shop', 'blog']) await checkout.must(['restart', '--app', app]);
    assert.equal(await changes(['apply']), '0 added, 0 changed, 1 removed');
    await converged();
    assert.equal(await checkout.ssh("ss -Htln 'sport = :5672 or sport = :4369' | wc -l"), '0\n');
    assert.equal((await checkout.berth(['drift'])).code, 0);
    const without = await live();
    await checkout.must(['rollback', '--app', 'shop', withQueue]);
    await eventually('the work', 20, async () => ((await waiting()) === 3 ? true : undefined));
    await checkout.must(['rollback', '--app', 'shop', without]);
  });

  it('has its work again where the setting comes back', async () => {
    settings('rabbitmq', 'hostname: renamed\n');
    await checkout.must(['apply']);
    await eventually('the work', 30, async () => ((await waiting()) === 3 ? true : undefined));
    await converged();
  });

  it('stands still when Berth goes, and what waits in it stays', async () => {
    const { stderr, stdout } = await checkout.must(['remove', '--yes', '--skip-backup']);
    assert.match(stdout + stderr, /what waits in RabbitMQ, in \/var\/lib\/rabbitmq\/mnesia/);
    const left = await checkout.ssh(
      'ls /etc/rabbitmq /etc/systemd/system/rabbitmq-server.service.d /etc/systemd/system/epmd.socket.d 2>/dev/null; sudo ls /var/lib/rabbitmq/mnesia; systemctl is-active rabbitmq-server epmd.socket epmd.service || true',
    );
    assert.match(left, /^rabbit@localhost$/m);
    assert.doesNotMatch(left, /berth|rabbitmq\.conf|^active/m);
  });

  it('is not taken from somebody else', async () => {
    await checkout.ssh('sudo systemctl enable --quiet --now rabbitmq-server');
    const { code, stderr } = await checkout.berth(['apply']);
    assert.equal(code, 1);
    assert.match(stderr, /\(broker_taken\)/);
    await checkout.ssh('sudo systemctl disable --quiet --now rabbitmq-server epmd.socket epmd.service');
    await checkout.must(['up']);
    ask = await client();
    await eventually('the work', 60, async () => ((await waiting()) === 3 ? true : undefined));
  });

  it('goes with its data where they are purged', async () => {
    await checkout.must(['remove', '--yes', '--skip-backup', '--purge-data=local']);
    assert.equal(
      await checkout.ssh('sudo ls /var/lib/rabbitmq/mnesia | grep -c rabbit@localhost || true'),
      '0\n',
    );
  });
});
