import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { leaderOf } from '../../scripts/machines/container/processes.ts';
import { run, runChecked } from '../../scripts/process.ts';
import { eventually } from './computer.ts';
import { interrupt, type Seen } from './kill.ts';
import { type Lane, openLane, settings } from './lane.ts';
import { figure } from './user.ts';

const cutSeconds = 60;
const table = `berth_cut_${process.pid}`;

/** Drops every packet between this computer and the machine, both ways, for a minute; no connection is told of it. */
async function cut(address: string): Promise<void> {
  const rules = `table inet ${table} {
    chain in { type filter hook input priority -300; ip saddr ${address} drop; }
    chain out { type filter hook output priority -300; ip daddr ${address} drop; }
    chain through { type filter hook forward priority -300; ip saddr ${address} drop; ip daddr ${address} drop; }
  }`;
  await runChecked(['nft', '-f', '-'], { input: rules });
  await wait(cutSeconds * 1000);
  await mend();
}

const mend = () => run(['nft', 'delete', 'table', 'inet', table]);

/** A network that goes away for a minute in the middle of an apply. */
describe('a cut network', function () {
  this.timeout(600_000);
  this.bail(true);
  let lane: Lane;
  let address: string;

  this.beforeAll(async () => {
    lane = await openLane();
    const { stdout } = await runChecked(['ssh', '-G', '-F', lane.place.sshConfig, 'local']);
    address = /^hostname (.+)$/m.exec(stdout)?.[1] ?? '';
  });
  this.afterAll(async () => {
    await mend();
    await lane?.remove();
  });

  /** Applies, and cuts the network at the first event that `when` picks. Seconds count from the cut. */
  async function applyCut(when: (seen: Seen) => boolean) {
    let over: Promise<void> = Promise.resolve();
    let cutAt = 0;
    const ended = await interrupt(lane, ['apply'], when, () => {
      cutAt = Date.now();
      over = cut(address);
    });
    const seconds = (Date.now() - cutAt) / 1000;
    await over;
    assert.ok(ended.killed, 'the network was cut');
    // What the machine says next comes after our own word that the connection broke.
    const broke = ended.seen.findIndex((one) => 'text' in one && one.text.startsWith('the connection broke'));
    assert.ok(broke > 0, 'the connection broke');
    const resumed = ((ended.times[broke + 1] ?? Number.NaN) - cutAt) / 1000;
    return { ...ended, seconds, resumed };
  }

  async function converges(): Promise<void> {
    await lane.must(['apply']);
    assert.equal((await lane.berth(['plan'])).code, 0);
    assert.equal(await lane.ssh('sudo -n dpkg --audit'), '');
  }

  it('does not disturb dpkg, and apply goes on once it is back', async () => {
    lane.settings(settings.replace('10s', '5m'));
    const inDpkg = (seen: Seen) => seen.type === 'progress' && /^Unpacking postgresql-1/.test(seen.text);
    const { code, resumed, seen } = await applyCut(inDpkg);
    figure('first apply cut off for 60 s inside dpkg: goes on after s', resumed.toFixed(0));
    assert.equal(code, 0, JSON.stringify(seen.at(-1)));
    assert.ok(resumed < 90);
    await converges();
  });

  it('takes a risky change back where it lasts longer than there is to confirm it, and says so', async () => {
    lane.settings(settings);
    await lane.must(['apply']);
    const before = await lane.look();
    lane.edit('provisioning/files/sshd.conf', 'MaxAuthTries 3', 'MaxAuthTries 2');
    const risky = (seen: Seen) => seen.type === 'applying' && seen.resource.includes('00-berth.conf');
    const { code, seconds, seen } = await applyCut(risky);
    figure('apply cut off for 60 s at a risky change: failed after s', seconds.toFixed(0));
    assert.equal(code, 1);
    assert.ok(seconds < 90, `${seconds}`);
    const errors = seen.filter((one) => one.type === 'error');
    assert.deepEqual(
      errors.map((error) => error.code),
      ['not_confirmed'],
    );
    const after = await eventually('the machine', 30, () => lane.look());
    assert.equal(after, before);
    await lane.mend();
    await converges();
  });

  it('takes a firewall back that lets IPv6 find no neighbours, on a machine that is reached by it', async () => {
    const { leave } = await byIpv6(lane, address);
    try {
      const before = await lane.look();
      const neighbours = 'nd-neighbor-solicit, nd-neighbor-advert }';
      lane.edit('provisioning/files/firewall.nft', neighbours, 'nd-redirect }');
      const began = Date.now();
      const { code, stderr } = await lane.berth(['apply']);
      assert.equal(code, 1, stderr);
      assert.match(stderr, /\(not_confirmed\)/);
      const after = await eventually('the machine', 60, async () =>
        lane.isArmed() ? undefined : lane.look(),
      );
      figure('no ICMPv6, over IPv6: let in again after s', ((Date.now() - began) / 1000).toFixed(0));
      assert.equal(after, before);
      await lane.mend();
      await converges();
    } finally {
      await leave();
    }
  });
});

/** The machine has an IPv6 address, by which it is reached; this computer forgets its neighbours all the time. */
async function byIpv6({ place }: Lane, address: string): Promise<{ leave: () => Promise<void> }> {
  const bridge = /dev (\S+)/.exec((await runChecked(['ip', 'route', 'get', address])).stdout)?.[1] ?? '';
  const [here, there] = ['fd77:77::1', 'fd77:77::2'];
  const config = readFileSync(place.sshConfig, 'utf8');
  const add = (one: string, dev: string) => ['ip', 'address', 'add', `${one}/64`, 'dev', dev, 'nodad'];
  await runChecked(add(here, bridge));
  await runChecked(['nsenter', '-t', String(leaderOf(place.id)), '-n', ...add(there, 'host0')]);
  writeFileSync(place.sshConfig, config.replace(`HostName ${address}`, `HostName ${there}`));
  const forgetful = setInterval(() => void run(['ip', '-6', 'neighbour', 'flush', 'dev', bridge]), 500);
  return {
    async leave() {
      clearInterval(forgetful);
      writeFileSync(place.sshConfig, config);
      await run(['ip', 'address', 'delete', `${here}/64`, 'dev', bridge]);
    },
  };
}
