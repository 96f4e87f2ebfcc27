import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ImageName } from '../../scripts/machines/container/recipe.ts';
import type { Checkout } from '../e2e/checkout.ts';
import { clientOf } from '../e2e/client.ts';
import { eventually, median } from '../e2e/computer.ts';
import { emulatedMachine } from './checkout.ts';
import type { Emulated } from './machine.ts';

/** `./scripts/test --qemu`: bare machines with kernels of their own, by SSH as root. Takes a long time. */
for (const image of ['debian-13', 'debian-12'] satisfies ImageName[]) {
  describe(`a bare ${image} with a kernel of its own`, function () {
    this.timeout(3_600_000);
    this.bail(true);
    const directory = mkdtempSync(join(tmpdir(), 'berth-qemu-'));
    let machine: Emulated;
    let checkout: Checkout;

    this.beforeAll(async () => {
      ({ checkout, machine } = await emulatedMachine({ image, directory, name: image, packages: ['lynis'] }));
    });
    this.afterAll(async () => {
      await machine?.stop();
      rmSync(checkout.root, { recursive: true, force: true });
      rmSync(directory, { recursive: true, force: true });
    });

    /** The hardening index of Debian's Lynis, in its default profile, with no test skipped. */
    async function hardeningIndex(user: string): Promise<number> {
      const report = '/var/log/lynis-report.dat';
      const line = `sudo lynis audit system --quick --no-colors >/dev/null 2>&1; sudo cat ${report}`;
      const said = user === 'root' ? await asRoot(line.replaceAll('sudo ', '')) : await checkout.ssh(line);
      for (const found of said.match(/^(?:warning|suggestion)\[\]=.*$/gm) ?? [])
        console.log(`      ${found}`);
      return Number(/^hardening_index=(\d+)$/m.exec(said)?.[1]);
    }

    const asRoot = (line: string) => machine.ssh('root', line);

    it('is bare at first', async () => {
      const index = await hardeningIndex('root');
      console.log(`    figure: Lynis, bare: ${index}`);
      assert.ok(index > 0);
    });

    it('is provisioned over SSH from root, and serves', async () => {
      const applied = await checkout.must(['apply']);
      const deployed = await checkout.must(['deploy']);
      console.log(
        `    figure: first apply ${applied.seconds.toFixed(0)} s, deploy ${deployed.seconds.toFixed(0)} s`,
      );
      await serves();
    });

    async function serves(): Promise<void> {
      const { ca } = await checkout.status();
      const ask = clientOf({ url: `https://127.0.0.1:${machine.httpsPort}`, ca });
      const answer = await ask({ method: 'GET', path: '/api/readyz' });
      assert.equal(answer.status, 200);
    }

    it('is asked and left as it is by another apply', async () => {
      const seconds: number[] = [];
      for (let round = 0; round < 5; round += 1) {
        const { stdout, stderr, seconds: took } = await checkout.must(['apply']);
        assert.match(stdout + stderr, /0 added, 0 changed, 0 removed/);
        seconds.push(took);
      }
      console.log(`    figure: converged apply, median of 5: ${median(seconds).toFixed(1)} s`);
      // Generous: of an emulated processor beside whatever else the computer does.
      assert.ok(median(seconds) < 60);
    });

    it('has a hardening index of 85 or more', async () => {
      const index = await hardeningIndex('deploy');
      console.log(`    figure: Lynis, applied: ${index}`);
      assert.ok(index >= 85, String(index));
    });

    it('is the same after a reboot', async () => {
      await checkout.reboot(600);
      await eventually('a healthy API', 900, async () => (await checkout.status()).healthy || undefined);
      await serves();
      assert.equal((await checkout.berth(['plan'])).code, 0);
    });
  });
}
