import assert from 'node:assert/strict';
import { join } from 'node:path';
import { run } from '../../scripts/process.ts';
import { type Checkout, cloneRepository } from './checkout.ts';
import { batches, exempt } from './harms/index.ts';

type Found = { id: string; status: 'pass' | 'fail' | 'warn' | 'skip'; evidence: string; fix: string };

/** A machine that is as it shall be, and then each thing that `berth verify` looks at, harmed by hand. */
describe('berth verify', function () {
  this.timeout(900_000);
  this.bail(true);
  let checkout: Checkout;
  let sound: Found[];

  this.beforeAll(async () => {
    checkout = await cloneRepository({ installed: true });
    checkout.settings(
      'machine: {kind: container}\napps: {api: {watch: 0s, domains: [api.example.org], queue: rabbitmq}}\n',
    );
    await checkout.must(['up']);
    await checkout.must(['backup', 'now']);
    await checkout.must(['backup', 'drill']);
  });
  this.afterAll(() => checkout?.remove());

  async function verify(...words: string[]): Promise<{ found: Found[]; code: number; seconds: number }> {
    const { stdout, stderr, code, seconds } = await checkout.berth(['verify', '--json', ...words]);
    const events = stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Found & { type: string });
    assert.ok(
      events.some(({ type }) => type === 'verified'),
      stdout + stderr,
    );
    return { found: events.filter(({ type }) => type === 'finding'), code, seconds };
  }
  const wrong = (found: Found[]) =>
    found.filter(({ status }) => status === 'fail' || status === 'warn').map(({ id }) => id);

  it('finds nothing wrong with a machine that was just made, and says what it could not look at', async () => {
    const { found, code, seconds } = await verify();
    console.log(`    figure: berth verify, ${found.length} findings, s: ${seconds.toFixed(1)}`);
    const failed = found.filter(({ status }) => status === 'fail');
    assert.deepEqual([failed, code], [[], 0]);
    const skipped = found.filter(({ status }) => status === 'skip').map(({ id }) => id);
    assert.deepEqual(
      skipped.filter((id) => !(id in exempt)),
      [],
    );
    sound = found;
  });

  it('is told for each finding by a harm here', () => {
    const told = new Set(
      ['drift.hand'].concat(batches.flatMap(({ harms }) => harms.flatMap(({ finds }) => finds))),
    );
    const ids = sound.map(({ id }) => id);
    assert.deepEqual(
      ids.filter((id) => !told.has(id) && !(id in exempt)),
      [],
    );
    assert.deepEqual(
      [...told].filter((id) => !ids.includes(id)),
      [],
    );
    assert.equal(new Set(ids).size, ids.length, 'each finding has an id of its own');
  });

  for (const { title, harms, only } of batches) {
    it(`finds each harm to ${title}, nothing else, and nothing once they are mended`, async () => {
      // What stands in another file than it shall is also something changed by hand.
      const by = only ? [] : ['drift.hand'];
      const expected = [...new Set([...harms.flatMap(({ finds }) => finds), ...by])].sort();
      const words = only ? ['--only', expected.join(',')] : [];
      await checkout.ssh(['set -ex', ...harms.map(({ harm }) => harm)].join('\n'));
      const { found, code } = await verify(...words);
      // A warning that a sound machine has too is none of ours.
      const before = wrong(sound).filter((id) => !expected.includes(id));
      assert.deepEqual(
        wrong(found)
          .filter((id) => !before.includes(id))
          .sort(),
        expected,
      );
      assert.equal(code, 1);
      assert.ok(found.every(({ fix, evidence }) => fix !== '' && evidence !== ''));
      await checkout.ssh(['set -ex', ...harms.toReversed().map(({ mend }) => mend)].join('\n'));
      assert.deepEqual(
        wrong((await verify(...words)).found).filter((id) => !wrong(sound).includes(id)),
        [],
      );
    });
  }

  it('writes JUnit XML that holds to its schema, and a table', async () => {
    const file = join(checkout.root, 'verify.xml');
    const { stdout } = await checkout.must(['verify', '--only', 'sshd,ports.open', '--junit', file]);
    assert.match(stdout, /^✓ ports\.open +no other TCP port is open/m);
    assert.match(stdout, /^\d+ passed, 0 skipped, 0 to look at, 0 failed in /m);
    const schema = join(import.meta.dirname, 'junit.xsd');
    const checked = await run(['xmllint', '--noout', '--schema', schema, file]);
    assert.equal(checked.code, 0, checked.stderr);
  });

  it('says so when the report cannot be written', async () => {
    const { code, stderr } = await checkout.berth([
      'verify',
      '--only',
      'disk',
      '--junit',
      '/proc/none/a.xml',
    ]);
    assert.equal(code, 1);
    assert.match(stderr, /\(report_unwritten\)/);
  });
});
