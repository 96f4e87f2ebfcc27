import assert from 'node:assert/strict';
import { join } from 'node:path';
import { run, runChecked } from '../../scripts/process.ts';
import { newman } from '../newman.ts';
import { clientOf } from './client.ts';
import { eventually, timed } from './computer.ts';
import { figure, type User } from './user.ts';

/** What a machine that was just made serves, how it keeps the application in, and what its log keeps. */
export function serves(user: User): void {
  it('serves the API with headers, problems and redirects of its own kind', async () => {
    const live = await user.ask({ path: '/api/livez' });
    assert.equal(live.headers['x-release'], `${(await user.checkout.status()).release}`);
    assert.equal(live.headers['x-content-type-options'], 'nosniff');
    assert.equal(
      live.headers['strict-transport-security'],
      undefined,
      'HSTS with a local authority would poison the name',
    );
    const page = await user.ask({ path: '/' });
    assert.equal(page.status, 200);
    assert.match(String(page.headers['content-security-policy']), /default-src 'none'/);
    const missing = await user.ask({ path: '/nothing' });
    assert.deepEqual([missing.status, missing.headers['content-type']], [404, 'application/problem+json']);
    const large = await user.ask({ method: 'POST', path: '/api/users', body: 'x'.repeat(2_000_000) });
    assert.deepEqual([large.status, large.headers['content-type']], [413, 'application/problem+json']);
    const plain = await clientOf({ url: user.status.url.replace('https', 'http') })({
      path: '/api/livez?a=1',
    });
    assert.deepEqual([plain.status, plain.headers.location], [308, `${user.status.url}/api/livez?a=1`]);
  });

  it('answers the collection of its own document as that says', async () => {
    const file = join(user.checkout.root, '.berth/collection.json');
    await user.checkout.must(['docs', 'postman', '--output', file]);
    const { requests, assertions } = await newman(file, `${user.status.url}/api`, user.status.ca);
    figure('requests of the Postman collection', requests);
    assert.ok(requests >= 15);
    assert.equal(assertions, requests);
  });

  it('offers TLS 1.2 and 1.3 alone, from an authority that can vouch for this machine alone', async () => {
    const address = new URL(user.status.url).host;
    const offers = async (flag: string) => {
      const argv = ['openssl', 's_client', '-connect', `${address}:443`, flag, '-CAfile', user.status.ca];
      const { stdout } = await run([...argv, '-cipher', 'ALL:@SECLEVEL=0'], { input: '' });
      return (
        /^New, TLSv1.*Cipher is (?!\(NONE\))/m.test(stdout) && stdout.includes('Verify return code: 0 (ok)')
      );
    };
    assert.deepEqual(await Promise.all(['-tls1_3', '-tls1_2', '-tls1_1', '-tls1'].map(offers)), [
      true,
      true,
      false,
      false,
    ]);
    const authority = await runChecked(['openssl', 'x509', '-in', user.status.ca, '-noout', '-text']);
    assert.match(
      authority.stdout,
      new RegExp(`Permitted:\\s+IP:${address.replaceAll('.', '\\.')}/255.255.255.255`),
    );
    assert.equal(
      (
        await user.checkout.ssh('sudo stat -c %a:%U /etc/berth/tls/authority.pem /etc/berth/tls/server.pem')
      ).trim(),
      '600:root\n600:root',
    );
  });

  it('serves a new certificate as soon as the old one is replaced', async () => {
    await user.checkout.ssh('sudo rm /etc/berth/tls/server.pem');
    assert.match((await user.checkout.must(['apply'])).stdout, /^1 added, 1 changed, 0 removed/m);
    const onDisk = await user.checkout.ssh('sudo openssl x509 -in /etc/berth/tls/server.pem');
    const argv = ['openssl', 's_client', '-connect', `${new URL(user.status.url).host}:443`];
    // systemctl asks for a reload and does not await it: the workers before may take one more connection.
    await eventually('the new certificate', 5, async () => {
      const { stdout } = await run(argv, { input: '' });
      return stdout.includes(onDisk.trim()) ? true : undefined;
    });
  });

  it('closes the connection of a client that never finishes its request', async () => {
    const { host } = new URL(user.status.url);
    const script = `exec 3<>/dev/tcp/${host}/80; printf 'GET / HTTP/1.1\\r\\nHost: x\\r\\n' >&3; timeout 40 cat <&3; test $? -ne 124`;
    const [result, seconds] = await timed(() => run(['bash', '-c', script]));
    assert.equal(result.code, 0);
    assert.ok(seconds > 5 && seconds < 35, `${seconds} s`);
  });

  it('runs the application in a sandbox that systemd rates 1.3 or better, and it can read nothing else', async () => {
    const release = (await user.checkout.status()).release?.slice(1);
    const rating = await user.checkout.ssh(
      `sudo systemd-analyze security --no-pager api@${release}.service | tail -n 1`,
    );
    const exposure = Number(rating.match(/: ([\d.]+)/)?.[1]);
    figure('systemd-analyze security, exposure of the application', exposure);
    assert.ok(exposure <= 1.3, rating);
    assert.match(
      await user.checkout.ssh('sudo -u nobody psql -d api -c "select 1" 2>&1; true'),
      /FATAL|does not exist|refused|denied/,
    );
    assert.equal(
      (
        await user.checkout.ssh(
          'sudo -u www-data sh -c "cat /etc/api/env /srv/api/current/env" 2>/dev/null; true',
        )
      ).trim(),
      '',
    );
    assert.equal((await user.checkout.ssh('ss -Hltn | grep -c 5432; true')).trim(), '0');
  });

  it('keeps every line of a log of more than 1,000 lines a second', async () => {
    const script = `
      const { request, Agent } = require('node:http');
      const socketPath = '/run/api/current.sock', agent = new Agent({ keepAlive: true, maxSockets: 32 });
      const one = () => new Promise((resolve, reject) => request({ socketPath, agent, path: '/api/users/1' }, (answer) => answer.resume().on('end', resolve)).on('error', reject).end());
      const began = Date.now(); let left = 20000;
      const worker = async () => { while (left-- > 0) await one(); };
      Promise.all(Array.from({ length: 32 }, worker)).then(() => console.log(20000 / (Date.now() - began) * 1000));`;
    const count = async () =>
      Number(
        await user.checkout.ssh(
          'sudo journalctl --sync; sudo journalctl -u "api@*" -o cat | grep -c \'"route":"/api/users/:id","status":401\' || true',
        ),
      );
    const earlier = await count();
    const rate = Number(await user.checkout.ssh('sudo /opt/berth/node/bin/node', script));
    figure('log lines a second, none lost', Math.round(rate));
    await eventually('the lines of 20,000 requests', 30, async () =>
      (await count()) - earlier === 20_000 ? true : undefined,
    );
  });

  it('prints what the application takes', async () => {
    const memory = await user.checkout.ssh(
      `ps -o rss=,args= -u api | awk '{ print $1 / 1024 " MiB", $2, $3 }'`,
    );
    for (const line of memory.trim().split('\n')) figure('memory', line);
  });
}
