import assert from 'node:assert/strict';
import { parseHostFile, resolveSettings } from '../scripts/settings.ts';
import type { Host } from './host.ts';
import { findKeptSettings } from './kept-settings.ts';
import { platformOf } from './platform.ts';
import { removal } from './removal.ts';
import { site } from './site.ts';

const hostsFile = 'machine: {kind: container}\napps: {api: {processes: {worker: 0}}}\n';
const reach = { alias: 'local', firstUser: 'root', publicKey: 'ssh-ed25519 key', names: ['10.77.0.2'] };
const settings = resolveSettings(
  parseHostFile(hostsFile, { name: 'local', path: 'local.yml', root: '/' }),
  reach,
);

/** As the first version that kept any wrote it; of a worker it knew what was said. */
const first = {
  ...{ name: 'local', hostname: 'local', memoryMiB: 2048, timezone: 'UTC', locale: 'C.UTF-8' },
  admin: { user: 'deploy', keys: ['ssh-ed25519 key'] },
  journal: { maxUseMiB: 500 },
  swap: { mode: 'auto' },
  tls: { kind: 'local', names: ['10.77.0.2'] },
  nginx: { httpPort: 80, httpsPort: 443, publicHttpsPort: 443 },
  postgresql: { memoryPercent: 25, maxConnections: 100 },
  extraCa: [],
  apps: {
    api: {
      ...{ name: 'api', domains: [], prefix: '/api', health: '/api/readyz', smoke: null, watchMs: 30_000 },
      ...{ processes: { web: 0 }, env: {}, secrets: ['JWT_KEYS'], drainMs: 30_000, database: 'local' },
    },
  },
};

const kept = (document: unknown) =>
  findKeptSettings({ read: async () => document && JSON.stringify(document) } as unknown as Host);

describe('the settings that a machine keeps', () => {
  it('are complete where an earlier version kept them', async () => {
    const found = await kept(first);
    assert.deepEqual(found, settings);
    const input = {
      platform: platformOf('ID=debian\nVERSION_ID="13"\n'),
      code: 'code',
      runtime: 'runtime',
      web: 'web',
    };
    const whole = site({ ...input, settings: found as typeof settings, memoryMiB: 2048 });
    assert.ok(removal(whole, { purge: false }).goals.length > 0);
  });

  it('have what a section lacks, and what they say themselves', async () => {
    const document = { ...first, firewall: { enabled: false, sshFrom: ['10.0.0.0/8'] }, confirmWithinMs: 1 };
    const found = await kept(document);
    assert.deepEqual(found?.firewall, { enabled: false, allow: [], sshFrom: ['10.0.0.0/8'], ban: true });
    assert.equal(found?.confirmWithinMs, 1);
  });

  it('say that an application has no document, which is not to say nothing', async () => {
    const found = await kept({ ...first, apps: { api: { ...first.apps.api, openapi: null } } });
    assert.equal(found?.apps.api?.openapi, null);
  });

  it('are as they were kept, or none', async () => {
    assert.equal(JSON.stringify(await kept(settings)), JSON.stringify(settings), 'in its order, too');
    assert.equal(await kept(null), null);
  });
});
