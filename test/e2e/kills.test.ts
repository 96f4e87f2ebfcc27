import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { eventually } from './computer.ts';
import { commandOf, interrupt, killAll, processesOf, type Seen } from './kill.ts';
import type { Load } from './load.ts';
import { startTrial, type Trial } from './trial.ts';

/** How many steps apart two kills are: 1 kills at every step of a deploy. */
const stride = Number(process.env.BERTH_KILL_STRIDE ?? 5);

/** SIGKILL under load: of a deploy's two sides at each of its steps, of pm2, of a web process. */
describe('a killed deploy', function () {
  this.timeout(3_600_000);
  this.bail(true);
  let trial: Trial;
  let load: Load;
  let edits = 0;
  let steps: Seen[];

  this.beforeAll(async () => {
    trial = await startTrial();
  });
  this.afterAll(() => trial?.checkout.remove());
  this.beforeEach(() => {
    load = trial.load({ long: 0 });
  });
  this.afterEach(() => load.stop());

  const failures = () => load.tally.failures.map(({ what }) => what);
  const change = () => {
    edits += 1;
    return trial.commit('api/server.ts', (text) => `${text}// ${edits}\n`);
  };

  /** One release serves, the pointed one; a warm one may stand beside it; nothing is half made. */
  async function settled(): Promise<void> {
    const { checkout } = trial;
    const live = await trial.live();
    assert.equal((await checkout.ssh('readlink /srv/api/current')).trim(), `releases/${live.slice(1)}`);
    assert.equal((await checkout.status()).release, live);
    const lines = (await checkout.must(['releases', '--json'])).stdout.trim().split('\n');
    const shown = lines.map((line) => JSON.parse(line) as { number: number; shown: string });
    const count = (state: string) => shown.filter((release) => release.shown === state).length;
    assert.deepEqual([count('live'), count('starting')], [1, 0], JSON.stringify(shown));
    assert.ok(count('warm') <= 1, JSON.stringify(shown));
    const units = await checkout.ssh(
      "systemctl list-units --plain --no-legend --state=active,activating 'api@*' | wc -l",
    );
    assert.equal(Number(units), 1 + count('warm'));
    const partial = `sudo find /srv/api /run/api /etc/api -name '*.partial' -o -name '.*.swp'`;
    assert.equal(await checkout.ssh(partial), '');
    assert.equal(await checkout.ssh('sudo ls -A /srv/api/incoming'), '');
  }

  async function deploysAgain(): Promise<void> {
    await trial.checkout.must(['deploy']);
    await settled();
    assert.deepEqual(failures(), []);
  }

  /** What every deploy says, whatever it has to wait for. */
  const isStep = (seen: Seen) =>
    seen.type === 'step' || (seen.type === 'progress' && !/is not healthy yet|finishes/.test(seen.text));

  it('has steps to be killed at', async () => {
    // The second one, since it also stops what the first one left warm.
    for (const _ of [1, 2]) {
      await change();
      steps = (
        await interrupt(
          trial.checkout,
          ['deploy'],
          () => false,
          () => {},
        )
      ).seen.filter(isStep);
    }
    await settled();
    console.log(`    figure: steps of a deploy: ${steps.length}, killed at every ${stride}`);
    assert.ok(steps.length >= 12);
  });

  const sides: [side: string, of: (seen: Seen) => boolean, kill: (operator: () => void) => void][] = [
    ["the operator's side", () => true, (operator) => operator()],
    [
      "the machine's side",
      (seen) => seen.type === 'progress',
      () => killAll(processesOf(trial.checkout, 'berth-run.service')),
    ],
  ];
  for (const [side, of, kill] of sides) {
    it(`drops no request and goes on after SIGKILL of ${side} at its steps`, async () => {
      const places = steps.filter(of).length;
      for (let place = 0; place < places; place += stride) {
        await change();
        let met = -1;
        const picks = (seen: Seen) => {
          if (isStep(seen) && of(seen)) met += 1;
          return met === place;
        };
        const ended = await interrupt(trial.checkout, ['deploy'], picks, kill);
        assert.ok(ended.killed, `no step ${place}: ${JSON.stringify(ended.seen)}`);
        console.log(`    killed at ${JSON.stringify(ended.seen.filter(isStep).at(-1))}`);
        await deploysAgain();
      }
    });
  }

  it('goes on after SIGKILL between its two renames', async () => {
    await change();
    const before = await trial.live();
    await trial.checkout.must(['deploy']);
    // As a kill there leaves it: `current` names the new release, nginx still follows the old one.
    await trial.checkout.ssh(`sudo ln -sfn sockets/${before.slice(1)}.sock /run/api/current.sock`);
    await wait(3000);
    await change();
    await deploysAgain();
  });

  for (const [what, command] of [
    ['pm2', /pm2-runtime/],
    ['a web process', /api\/server\.ts/],
  ] as const) {
    it(`is back by itself when ${what} is killed`, async () => {
      await wait(1000);
      const pids = processesOf(trial.checkout, `api@${(await trial.live()).slice(1)}.service`);
      const killedAt = Date.now();
      const [pid] = pids.filter((each) => command.test(commandOf(each)));
      assert.ok(pid !== undefined, pids.map(commandOf).join('\n'));
      killAll([pid]);
      await eventually('an answer', 20, async () => (await trial.checkout.status()).healthy || undefined);
      await wait(4000);
      const last = load.tally.failures.at(-1)?.at ?? killedAt;
      const seconds = (last - killedAt) / 1000;
      console.log(
        `    figure: requests failed until ${seconds.toFixed(1)} s after SIGKILL of ${what}: ${failures().length}`,
      );
      assert.ok(seconds < 15);
    });
  }
});
