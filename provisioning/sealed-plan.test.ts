import assert from 'node:assert/strict';
import type { Planned } from './engine.ts';
import type { Host } from './host.ts';
import { fingerprint } from './host-keys.ts';
import { file } from './resources/file.ts';
import { type PlanInput, requireSameChanges, requireSamePlan, sealPlan } from './sealed-plan.ts';
import type { Settings } from './settings.ts';

const publicKey =
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ9A2GX+PvpAYiZCQsXmZL1ZUI2BPVYtj7ZVUVHTZKkA root@local\n';

/** A machine of a few files, with the key for plans. */
function machine(files: Record<string, string>): Host {
  const all: Record<string, string> = { '/var/lib/berth/plan.key': 'ab'.repeat(32), ...files };
  return {
    read: async (path: string) => all[path] ?? null,
    list: async (path: string) =>
      Object.keys(all).flatMap((name) => (name.startsWith(`${path}/`) ? name.slice(path.length + 1) : [])),
  } as unknown as Host;
}

const here = machine({ '/etc/ssh/ssh_host_ed25519_key.pub': publicKey });
const settings = { name: 'local', hostname: 'local', apps: { api: { name: 'api', env: { PIN: '1234' } } } };
const input: PlanInput = {
  settings: settings as unknown as Settings,
  code: 'c',
  runtime: 'r',
  web: 'w',
  by: 'me',
};
const write = (content: string, before: string | null): Planned => {
  const resource = file({ path: '/f', content });
  return {
    resource,
    changes: [{ do: 'write', path: '/f', content, before, mode: 0o644, owner: 'root', group: 'root' }],
  };
};
const planned = [write('secret', null)];
const withPin = (pin: string) =>
  ({ ...settings, apps: { api: { ...settings.apps.api, env: { PIN: pin } } } }) as unknown as Settings;

describe('a sealed plan', () => {
  it('holds names and digests alone, which another machine’s key makes otherwise', async () => {
    const text = JSON.stringify(await sealPlan(here, input, planned));
    assert.ok(!text.includes('secret') && !text.includes('1234'));
    const elsewhere = machine({
      '/var/lib/berth/plan.key': 'cd'.repeat(32),
      '/etc/ssh/ssh_host_ed25519_key.pub': publicKey,
    });
    const other = await sealPlan(elsewhere, input, planned);
    const one = await sealPlan(here, input, planned);
    assert.notEqual(one.settings['apps.api.env'], other.settings['apps.api.env']);
    await assert.rejects(requireSamePlan(elsewhere, one, input), { code: 'plan_invalid' });
  });

  it('is taken where nothing moved', async () => {
    const plan = await sealPlan(here, input, planned);
    await requireSamePlan(here, JSON.parse(JSON.stringify(plan)), input);
    await requireSameChanges(here, plan, planned);
  });

  const stale = (message: RegExp) => ({ code: 'plan_stale', message });

  it('is refused with what moved: host key, code, runtime, settings', async () => {
    const plan = await sealPlan(here, input, planned);
    const renewed = machine({ '/etc/ssh/ssh_host_ed25519_key.pub': publicKey.replace('J9A2', 'J9A3') });
    await assert.rejects(
      requireSamePlan(renewed, plan, input),
      stale(/host key: SHA256:\S+ then, SHA256:\S+ now/),
    );
    await assert.rejects(requireSamePlan(here, plan, { ...input, code: 'd' }), stale(/Berth's own code/));
    await assert.rejects(requireSamePlan(here, plan, { ...input, runtime: 's' }), stale(/Node and pm2/));
    const other = { ...input, settings: withPin('4321') };
    await assert.rejects(requireSamePlan(here, plan, other), stale(/: *\n {2}the setting apps\.api\.env$/));
  });

  it('is refused with each resource that moved', async () => {
    const plan = await sealPlan(here, input, planned);
    const other = { ...write('x', null), resource: file({ path: '/g', content: 'x' }) };
    for (const [now, said] of [
      [[], /file \/f: no longer differs/],
      [[write('secret', 'other')], /file \/f: differs in another way/],
      [[...planned, other], /file \/g: differs since/],
    ] as const)
      await assert.rejects(requireSameChanges(here, plan, [...now]), stale(said));
  });

  it('is refused when somebody altered it', async () => {
    const plan = await sealPlan(here, input, planned);
    await assert.rejects(requireSamePlan(here, { ...plan, resources: [] }, input), { code: 'plan_invalid' });
  });

  it('leaves out what was made up for one plan', async () => {
    const made = (content: string): Planned => ({
      ...write(content, null),
      changes: write(content, null).changes.map(
        (change) => ({ ...change, lasting: 'KEY=""' }) as typeof change,
      ),
    });
    const plan = await sealPlan(here, input, [made('KEY="a"')]);
    await requireSameChanges(here, plan, [made('KEY="b"')]);
  });
});

describe('a fingerprint', () => {
  it('is what ssh-keygen prints', () => {
    assert.match(fingerprint(publicKey) ?? '', /^SHA256:[\w+/]{43}$/);
    assert.equal(fingerprint(''), null);
  });
});
