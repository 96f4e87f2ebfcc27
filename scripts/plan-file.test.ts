import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SealedPlan } from '../provisioning/sealed-plan.ts';
import type { Context } from './command.ts';
import { readPlan, writePlan } from './plan-file.ts';

const digest = 'a'.repeat(64);
const plan: SealedPlan = {
  ...{ format: 1, host: 'local', by: 'me@laptop', at: '2026-11-21T12:00:00.000Z' },
  ...{ hostKeys: [`SHA256:${'b'.repeat(43)}`], code: 'c0de', runtime: '4e1d' },
  ...{ settings: { hostname: digest }, resources: [{ id: 'file /f', action: 'add', digest }], seal: digest },
};

describe('a plan file', () => {
  const cwd = mkdtempSync(join(tmpdir(), 'berth-plan-'));
  const context = { io: { cwd }, flags: { host: 'local' } } as Context;
  after(() => rmSync(cwd, { recursive: true }));
  const put = (text: string) => writeFileSync(join(cwd, 'plan.json'), text);

  it('is its owner’s alone and is read as it was written', async () => {
    put('something else');
    writePlan(context, 'plan.json', plan);
    assert.equal(statSync(join(cwd, 'plan.json')).mode & 0o777, 0o600);
    assert.deepEqual(await readPlan(context, 'plan.json'), plan);
  });

  const damaged: [what: string, text: string, said: RegExp][] = [
    ['cut short', JSON.stringify(plan).slice(0, 100), /cut short/],
    ['no plan', '{"a": 1}', /is no plan: "format" is required/],
    ['a list', '[]', /is no plan/],
    ['of a later Berth', JSON.stringify({ ...plan, format: 2 }), /format 2, this Berth reads format 1/],
    ['of another machine', JSON.stringify({ ...plan, host: 'vps' }), /of the machine vps, not of local/],
    ['with a digest that is none', JSON.stringify({ ...plan, seal: 'x' }), /"seal"/],
    ['with something more', JSON.stringify({ ...plan, more: 1 }), /"more" is not allowed/],
  ];
  for (const [what, text, said] of damaged) {
    it(`that is ${what} is refused`, async () => {
      put(text);
      await assert.rejects(readPlan(context, 'plan.json'), { code: 'plan_invalid', message: said });
    });
  }

  it('that is not there is refused by name', async () => {
    await assert.rejects(readPlan(context, 'none.json'), {
      code: 'plan_invalid',
      message: /none\.json.*ENOENT/,
    });
  });

  it('is not written where it cannot be', () => {
    put('');
    assert.throws(() => writePlan(context, 'plan.json/plan.json', plan), { code: 'wrong_usage' });
    assert.equal(readFileSync(join(cwd, 'plan.json'), 'utf8'), '');
  });
});
