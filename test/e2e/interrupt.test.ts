import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Checkout, cloneRepository } from './checkout.ts';
import { eventually, traces } from './computer.ts';
import { interrupt, killAll, processesOf, type Seen } from './kill.ts';

const settings = 'machine: {kind: container, image: debian-12}\napps: {api: {}}\n';

/** How many steps apart the machine's side is killed: 1 kills it after every one. */
const stride = Number(process.env.BERTH_KILL_STRIDE ?? 3);

/** A first apply that is killed again and again, on either side, on Debian 12. */
describe('an interrupted apply', function () {
  this.timeout(900_000);
  this.bail(true);
  let checkout: Checkout;

  this.beforeAll(async () => {
    checkout = await cloneRepository({ installed: true });
    checkout.settings(settings);
  });
  this.afterAll(() => checkout?.remove());

  const operatorSide = (operator: () => void) => operator();
  const machineSide = () => killAll(processesOf(checkout, 'berth-run.service'));

  for (const title of [
    'starts the machine',
    'makes first contact',
    'sends Node and pm2',
    "sends the machine's side",
    'sends the pages',
  ]) {
    it(`survives SIGKILL of the operator's side when it ${title}`, async () => {
      const ended = await interrupt(
        checkout,
        ['up'],
        (seen) => seen.type === 'step' && seen.title.startsWith(title),
        operatorSide,
      );
      assert.ok(ended.killed);
    });
  }

  it(`converges when its machine side is killed inside dpkg, and after every ${stride}. step`, async () => {
    // Once after each: a batch of risky changes is taken back and begun anew.
    const met = new Set<string>();
    const places = [/^Unpacking nginx/, /^Unpacking postgresql-1/, /^Setting up /];
    const kills = { insideDpkg: 0, afterStep: 0 };
    const when = (seen: Seen) => {
      if (seen.type === 'applied' && !met.has(seen.resource)) {
        met.add(seen.resource);
        if (met.size % stride > 0) return false;
        kills.afterStep += 1;
      } else if (seen.type === 'progress' && places[0]?.test(seen.text)) kills.insideDpkg += 1;
      else return false;
      return true;
    };
    for (;;) {
      const before = kills.insideDpkg;
      const ended = await interrupt(checkout, ['apply'], when, machineSide);
      if (kills.insideDpkg > before) places.shift();
      if (ended.killed) continue;
      assert.equal(ended.code, 0, JSON.stringify(ended.seen.at(-1)));
      break;
    }
    console.log(`    figure: kills of the machine's side during the first apply: ${JSON.stringify(kills)}`);
    assert.ok(kills.insideDpkg >= 2 && kills.afterStep >= 20, JSON.stringify(kills));
    const plan = await checkout.berth(['plan']);
    assert.equal(plan.code, 0, plan.stdout);
  });

  it("converges when its operator's side is killed, by waiting for what that began", async () => {
    for (let round = 0; round < 3; round += 1) {
      await checkout.ssh(
        'sudo rm -rf /var/www/berth /etc/nginx/berth /etc/berth/tls /etc/api/env /etc/tmpfiles.d/api.conf',
      );
      const ended = await interrupt(checkout, ['apply'], (seen) => seen.type === 'applied', operatorSide);
      assert.ok(ended.killed);
      await checkout.must(['apply']);
      assert.equal((await checkout.berth(['plan'])).code, 0);
    }
  });

  it('ends in a proven API on Debian 12', async () => {
    await checkout.must(['up']);
    assert.equal((await checkout.status()).healthy, true);
    assert.match(await checkout.ssh('cat /etc/debian_version'), /^12\./);
    assert.match((await checkout.must(['apply'])).stdout, /^0 added, 0 changed, 0 removed/m);
  });

  it('survives SIGKILL of a destroy, and leaves nothing on the computer', async () => {
    await interrupt(checkout, ['destroy', '--yes'], () => true, operatorSide);
    await checkout.must(['destroy', '--yes']);
    await eventually('the end of what was killed', 10, async () => {
      // Others have machines beside this one.
      const { mounts = [], processes = [] } = await traces();
      const ours = [...mounts, ...processes].filter((line) => line.includes(checkout.root));
      assert.deepEqual(ours, []);
      assert.ok(!existsSync(join(checkout.root, '.berth/machines/local')));
      return true;
    });
  });
});
