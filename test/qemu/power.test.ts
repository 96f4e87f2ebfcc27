import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runChecked } from '../../scripts/process.ts';
import type { Checkout } from '../e2e/checkout.ts';
import { type Client, clientOf } from '../e2e/client.ts';
import { eventually } from '../e2e/computer.ts';
import { interrupt, type Seen } from '../e2e/kill.ts';
import { emulatedMachine } from './checkout.ts';
import type { Emulated } from './machine.ts';

/** How many steps apart two power cuts are: 1 cuts at every step of a deploy. */
const stride = Number(process.env.BERTH_POWER_STRIDE ?? 3);

const packages = ['nginx', 'postgresql', 'sudo', 'openssl', 'logrotate', 'libatomic1', 'ca-certificates'];

/** `./scripts/test --power`: an emulated machine loses its power at the steps of a deploy. Takes a long time. */
describe('a power cut', function () {
  this.timeout(7_200_000);
  this.bail(true);
  const directory = mkdtempSync(join(tmpdir(), 'berth-power-'));
  let machine: Emulated;
  let checkout: Checkout;
  let ask: Client;
  let token: string;
  let steps: Seen[] = [];
  const written: string[] = [];
  const isStep = (seen: Seen) => seen.type === 'progress';

  this.beforeAll(async () => {
    ({ checkout, machine } = await emulatedMachine({
      image: 'debian-13',
      directory,
      name: 'power',
      packages,
    }));
    await checkout.must(['apply']);
    await checkout.must(['deploy']);
    const { url, ca } = await checkout.status();
    ask = clientOf({ url: `${new URL(url).protocol}//127.0.0.1:${machine.httpsPort}`, ca });
  });
  this.afterAll(async () => {
    await machine?.stop();
    rmSync(checkout.root, { recursive: true, force: true });
    rmSync(directory, { recursive: true, force: true });
  });

  async function signIn(): Promise<string> {
    const account = { email: 'power@example.com', password: 'a long enough password' };
    await ask({ method: 'POST', path: '/api/users', body: account });
    const login = { username: account.email, password: account.password };
    const signedIn = await ask({ method: 'POST', path: '/api/login', body: login });
    assert.equal(signedIn.status, 200);
    return String(signedIn.json.access_token);
  }

  /** Writes posts, one after the other, until the power is gone; remembers those that were acknowledged. */
  async function write(): Promise<void> {
    for (;;) {
      const title = `post ${written.length}`;
      const sent = { method: 'POST', path: '/api/posts', token, body: { title, content: 'kept' } };
      const answer = await ask(sent).catch(() => undefined);
      if (answer?.status !== 201) return;
      written.push(String(answer.json.id));
    }
  }

  async function change(): Promise<void> {
    appendFileSync(join(checkout.root, 'api/server.ts'), '// changed\n');
    await runChecked(['git', '-C', checkout.root, 'commit', '--quiet', '--all', '--message', 'Change']);
  }

  /** Exactly one release runs, the pointed one, and it serves; every acknowledged post is there. */
  async function whole(): Promise<void> {
    const status = await eventually('a healthy API', 900, async () => {
      const said = await checkout.status();
      return said.healthy ? said : undefined;
    });
    const pointed = (await checkout.ssh('readlink /srv/api/current')).trim();
    assert.equal(pointed, `releases/${status.release?.slice(1)}`);
    const states = '--state=active,activating,reloading,deactivating';
    const units = await checkout.ssh(`systemctl list-units --plain --no-legend ${states} 'api@*'`);
    assert.deepEqual(units.match(/api@\d+/g), [`api@${status.release?.slice(1)}`]);
    await checkout.ssh('sudo -u postgres /usr/lib/postgresql/*/bin/pg_amcheck --install-missing --all');
    const ids = written.join(',') || '0';
    const count = `select count(*) from posts where id in (${ids})`;
    const found = await checkout.ssh(`cd / && sudo -u postgres psql --tuples-only api --command '${count}'`);
    assert.equal(Number(found), written.length);
  }

  it('has steps to be cut at', async () => {
    await change();
    const { seen, code } = await interrupt(
      checkout,
      ['deploy'],
      () => false,
      () => {},
    );
    assert.equal(code, 0, JSON.stringify(seen.at(-1)));
    steps = seen.filter(isStep);
    assert.ok(steps.length >= 5);
  });

  it(`leaves one release that serves, and the database whole, at every ${stride}. step`, async () => {
    for (let place = 0; place < steps.length; place += stride) {
      // The one before has expired by now: an emulated machine takes minutes to boot.
      token = await signIn();
      await change();
      const before = written.length;
      let met = -1;
      const picks = (seen: Seen) => {
        if (isStep(seen)) met += 1;
        return met === place;
      };
      const writing = write();
      let cut = Promise.resolve();
      const ended = await interrupt(checkout, ['deploy'], picks, () => {
        cut = machine.reset();
      });
      await Promise.all([cut, writing]);
      const at = JSON.stringify(ended.seen.filter(isStep).at(-1));
      assert.ok(written.length > before, 'nothing was written meanwhile');
      await whole();
      await checkout.must(['deploy']);
      console.log(`    power cut at ${at}: whole, ${written.length} posts kept`);
    }
  });
});
