import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Settings } from '../provisioning/settings.ts';
import { type Finding, findingsOf } from '../provisioning/verify/finding.ts';
import { junit } from './junit.ts';
import type { Reach } from './machines/machine.ts';
import { parseAnswer } from './verify/exchange.ts';
import { outsideChecks } from './verify/index.ts';
import { offset } from './verify/offset.ts';
import { outerPorts } from './verify/ports.ts';
import { routeOf } from './verify/route.ts';
import { readOffer } from './verify/ssh.ts';
import { parseOffer } from './verify/ssh-offer.ts';
import type { Target } from './verify/target.ts';
import { checksBy, chosenChecks, type Seen } from './verify.ts';
import { verifiedText } from './verify-text.ts';

const plain = (_colour: string, text: string) => text;
const finding = (status: Finding['status'], id = 'sshd.root'): Seen => ({
  ...{ id, title: 'root cannot log in by SSH', status, evidence: 'permitrootlogin yes <for> root' },
  ...{ fix: 'berth apply', reference: 'CIS Debian 12 5.1.20', side: 'inside' },
});

describe('what berth verify prints', () => {
  it('has failures first, each with its fix and reference, and what passed on a line each', () => {
    const findings = [finding('pass', 'tls.old'), finding('skip', 'clock.synchronised'), finding('fail')];
    assert.deepEqual(verifiedText({ findings, seconds: 2.34 }, plain, 100).split('\n'), [
      '✗ sshd.root           root cannot log in by SSH',
      '                      permitrootlogin yes <for> root',
      '                      next: berth apply (CIS Debian 12 5.1.20)',
      '- clock.synchronised  root cannot log in by SSH  permitrootlogin yes <for> root',
      '✓ tls.old             root cannot log in by SSH  permitrootlogin yes <for> root',
      '1 passed, 1 skipped, 0 to look at, 1 failed in 2.3 s',
      '',
    ]);
  });

  it('lets nothing that a machine says steer the terminal', () => {
    const said = '\x1b]0;owned\x07\n✓ all is well';
    const evil = { ...finding('fail'), id: said, title: said, evidence: said, fix: said, reference: said };
    const text = verifiedText({ findings: [evil, { ...evil, status: 'pass' }], seconds: 1 }, plain, 100);
    assert.equal(text.includes('\x1b'), false);
    assert.equal(text.split('\n').length, 6);
  });

  it('is JUnit XML with a case a finding', () => {
    const findings = [finding('fail'), finding('pass', 'tls.old'), finding('skip', 'clock.synchronised')];
    const xml = junit([{ host: 'local', findings, seconds: 2, at: new Date(0) }]);
    assert.match(
      xml,
      /<testsuite name="local" tests="3" failures="1" skipped="1" errors="0" time="2" timestamp="1970-01-01T00:00:00.000Z">/,
    );
    assert.match(xml, /<failure message="permitrootlogin yes &lt;for&gt; root" type="sshd.root">/);
  });
});

describe('--only', () => {
  it('takes checks of both sides and single findings', () => {
    assert.equal(chosenChecks(undefined), null);
    assert.deepEqual(chosenChecks('sshd, ports.open'), ['sshd', 'ports.open']);
  });

  for (const [given, said] of [
    ['shsd', /--only "shsd" names no check; there are: sshd, /],
    ['', /--only "" names no check/],
    ['sshd,tsl.old', /--only "tsl.old" names no check/],
  ] as const) {
    it(`refuses ${JSON.stringify(given)}`, () => assert.throws(() => chosenChecks(given), said));
  }
});

describe('the way to a machine', () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-route-'));
  const sshConfig = join(directory, 'config');
  writeFileSync(
    sshConfig,
    ['Host far\n ProxyJump bastion:2200\n Port 2022', 'Host piped\n ProxyCommand nc %h %p', ''].join('\n'),
  );
  after(() => rmSync(directory, { recursive: true }));
  const route = (alias: string, port?: number) =>
    routeOf({ sshConfig, alias, firstUser: 'root', names: [], ...(port && { port }) });

  it('is what ssh makes of its configuration', async () => {
    assert.deepEqual(await route('near'), { sshHost: 'near', sshPort: 22, through: null });
    assert.deepEqual(await route('near', 2222), { sshHost: 'near', sshPort: 2222, through: null });
    assert.deepEqual(await route('far'), { sshHost: 'far', sshPort: 2022, through: 'bastion:2200' });
    assert.deepEqual(await route('piped'), { sshHost: 'piped', sshPort: 22, through: 'a ProxyCommand' });
  });

  it('skips by name what a jump host is in the way of', async () => {
    const through = { sshHost: 'vps', sshPort: 22, through: 'bastion' };
    const skipped = async (only: string[] | null) => {
      const checks = checksBy(through, only).filter(({ id }) => !['ssh', 'offset'].includes(id));
      return findingsOf(checks, {} as Target, only);
    };
    const all = await skipped(null);
    assert.deepEqual(
      all.map(({ id, status }) => `${id} ${status}`),
      outsideChecks.flatMap(({ id }) => (['ssh', 'offset'].includes(id) ? [] : [`${id}.direct skip`])),
    );
    assert.match(all[0]?.evidence ?? '', /through bastion/);
    assert.deepEqual(
      (await skipped(['tls.old'])).map(({ id }) => id),
      ['tls.old'],
    );
  });

  it('has the ports that a forward makes of the machine’s own', () => {
    const settings = {
      ...{ ssh: { port: 22 }, nginx: { httpPort: 80, httpsPort: 443, publicHttpsPort: 8443 } },
      firewall: { allow: ['5000/tcp'] },
    } as unknown as Settings;
    const reach: Reach = { alias: 'vps', firstUser: 'root', names: [] };
    const route = { sshHost: 'vps', sshPort: 2022, through: null };
    const { needed, isOpen } = outerPorts({ settings, reach, route });
    assert.deepEqual(needed, [2022, 80, 8443]);
    assert.deepEqual(
      [2022, 8443, 443, 5000, 5001].map((port) => isOpen('tcp', port)),
      [true, true, true, true, false],
    );
    const vagrant = { httpPort: 8080, httpsPort: 8443, hostname: 'local' };
    assert.deepEqual(outerPorts({ settings, reach: { ...reach, vagrant }, route }).needed, [8080, 8443]);
  });
});

describe('what is read from outside', () => {
  it('is an answer and how many came', () => {
    const text = 'HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nX-A: 1\r\nx-a: 2\r\n\r\n<b>no</b>';
    assert.deepEqual(parseAnswer(text), {
      ...{ status: 400, headers: { server: 'nginx', 'x-a': '1, 2' }, body: '<b>no</b>', count: 1 },
    });
    assert.equal(parseAnswer(`HTTP/1.1 200 OK\r\n\r\nfirst\r\n${text}`).count, 2);
    assert.deepEqual(parseAnswer(''), { status: 0, headers: {}, body: '', count: 0 });
  });

  it('is what sshd offers, once all of it has come', () => {
    const list = (names: string) => Buffer.concat([Buffer.from([0, 0, 0, names.length]), Buffer.from(names)]);
    const lists = [
      'curve25519-sha256',
      'ssh-ed25519',
      'aes256-ctr',
      'aes256-gcm@openssh.com',
      'm1',
      'm1',
      'none',
      'none',
      '',
      '',
    ];
    const payload = Buffer.concat([
      Buffer.from([4, 20]),
      Buffer.alloc(16),
      ...lists.map(list),
      Buffer.alloc(9),
    ]);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(payload.length);
    const all = Buffer.concat([Buffer.from('SSH-2.0-OpenSSH_10.0\r\n'), length, payload]);
    assert.deepEqual(parseOffer(all), {
      ...{ banner: 'SSH-2.0-OpenSSH_10.0', kex: 'curve25519-sha256', hostKey: 'ssh-ed25519' },
      ...{ cipher: 'aes256-ctr,aes256-gcm@openssh.com', mac: 'm1' },
    });
    for (const end of [3, 24, all.length - 1]) assert.equal(parseOffer(all.subarray(0, end)), null);
  });

  for (const [what, sent, said] of [
    [
      'cuts its lists short',
      Buffer.from('SSH-2.0-x\n\0\0\0\x03\0\x14ab'),
      /127\.0\.0\.1:\d+ sends what no sshd sends/,
    ],
    ['sends another packet', Buffer.from('SSH-2.0-x\n\0\0\0\x02\0\x01'), /sent no list of algorithms/],
    ['never comes to an end', Buffer.alloc(70_000, 'a'), /sends what no sshd sends/],
    ['says nothing', Buffer.from(''), /closed the connection/],
  ] as const) {
    it(`is no sshd that ${what}`, async () => {
      const server = createServer((socket) => socket.on('error', () => {}).end(sent)).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const route = { sshHost: '127.0.0.1', sshPort: port, through: null };
      await assert.rejects(readOffer({ route }), said);
      server.close();
    });
  }

  for (const [aheadMs, status] of [
    [40, 'pass'],
    [-1900, 'pass'],
    [12_600, 'warn'],
    [-86_400_000, 'fail'],
  ] as const) {
    it(`is a clock ${aheadMs} ms ahead: ${status}`, async () => {
      const [found] = await offset.run({ inside: Promise.resolve({ ca: null, aheadMs }) } as Target);
      assert.equal(found?.status, status);
    });
  }
});
