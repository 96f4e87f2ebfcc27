import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHost } from '../host.ts';
import { type Manifest, readManifest } from './store.ts';

describe("a backup's manifest", () => {
  const path = mkdtempSync(join(tmpdir(), 'berth-manifest-'));
  after(() => rmSync(path, { recursive: true }));

  const id = '20261121T033000Z-daily';
  const good: Manifest = {
    ...{ format: 1, id, sequence: 1, kind: 'daily', host: 'vps', by: 'timer', reason: 'nightly' },
    ...{ startedAt: '2026-11-21T03:30:00.000Z', seconds: 1, versions: { postgresql: null, berth: '1' } },
    apps: { api: { database: null, config: 'api.config.tar', shared: null } },
    files: [{ name: 'api.config.tar', bytes: 1, sha256: '0' }],
    failed: {},
  };
  const read = (manifest: Manifest) => {
    writeFileSync(join(path, 'manifest.json'), JSON.stringify(manifest));
    return readManifest(createHost(), path, id);
  };
  const withConfig = (config: string, files = good.files): Manifest => ({
    ...good,
    ...{ apps: { api: { database: null, config, shared: null } }, files },
  });

  it('is read as it was written', async () => assert.deepEqual(await read(good), good));

  it('is refused when it is of another backup', () =>
    assert.rejects(read({ ...good, id: '20261120T033000Z-daily' }), /is of another backup/));

  it('names no file whose checksum is not looked at', () =>
    assert.rejects(read(withConfig('more.tar')), /names a file "more\.tar"/));

  for (const name of ['../x.tar', '/etc/x.tar', '..', '']) {
    it(`names no file outside its own directory: ${JSON.stringify(name)}`, () =>
      assert.rejects(read(withConfig(name, [{ name, bytes: 1, sha256: '0' }])), { code: 'backup_damaged' }));
  }
});
