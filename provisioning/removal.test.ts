import assert from 'node:assert/strict';
import { parseHostFile, resolveSettings } from '../scripts/settings.ts';
import type { Host } from './host.ts';
import { platformOf } from './platform.ts';
import { removal, removedSettings } from './removal.ts';
import { site } from './site.ts';

const hosts = `machine: {kind: container}
apps:
  api: {}
  blog: {path: blog, prefix: /blog, database: none}
`;
const reach = { alias: 'local', firstUser: 'root', publicKey: 'ssh-ed25519 key', names: ['10.77.0.2'] };
const settings = resolveSettings(
  parseHostFile(hosts, { name: 'local', path: 'local.yml', root: '/' }),
  reach,
);

function siteOf(distribution: string) {
  const platform = platformOf(distribution);
  return site({ settings, platform, memoryMiB: 2048, code: 'code', runtime: 'runtime', web: 'web' });
}

describe('the settings that a removal goes by', () => {
  const asWritten = { ...settings, confirmWithinMs: 1 };
  const asApplied = { ...settings, confirmWithinMs: 2 };
  const of = async (files: Record<string, unknown>) => {
    const read = async (path: string) => (path in files ? JSON.stringify(files[path]) : null);
    const found = await removedSettings({ read } as Partial<Host> as Host, { settings: asWritten });
    return [found.settings.confirmWithinMs, found.began];
  };

  it('are those that the machine was applied with, also where a removal was cut short', async () => {
    assert.deepEqual(await of({ '/etc/berth/settings.json': asApplied }), [2, true]);
    const unfinished = { verb: 'remove', settings: asApplied };
    assert.deepEqual(await of({ '/var/lib/berth/unfinished.json': unfinished }), [2, true]);
    assert.deepEqual(await of({}), [1, false]);
  });
});

describe('what a site comes to when Berth goes', () => {
  for (const distribution of ['ID=debian\nVERSION_ID="12"\n', 'ID=ubuntu\nVERSION_ID="26.04"\n']) {
    const whole = siteOf(distribution);
    const { goals, end, stays } = removal(whole, { purge: false });
    const ids = goals.map(({ id }) => id);

    it(`names each goal once (${distribution.replaceAll('\n', ' ')})`, () => {
      assert.deepEqual(
        ids.filter((id, index) => ids.indexOf(id) !== index),
        [],
      );
    });

    it('has every file, unit, user and group of the site in it, but for what lets people in', () => {
      const undone = (resource: (typeof whole)[number]) => {
        const { goal, end, stays } = resource.inverse({ purge: false });
        return goal !== undefined || end !== undefined || stays !== undefined;
      };
      const kinds = /^(file|service|user|group|member|link|certificate|environment|repository|release) /;
      const left = whole.filter((resource) => kinds.test(resource.id) && !undone(resource));
      assert.deepEqual(
        left.map(({ id }) => id),
        [],
      );
      const lockedOut = [...ids, ...end.map(({ id }) => id)].filter((id) =>
        /authorized_keys|sudoers|user deploy|group deploy|member deploy of sudo|home\/deploy(\/\.ssh)?$/.test(
          id,
        ),
      );
      assert.deepEqual(lockedOut, []);
    });

    it('says what it leaves as Berth made it', () => {
      assert.ok(
        stays.some((text) => text.startsWith('the packages ') && text.endsWith(' systemd-timesyncd')),
      );
      assert.ok(stays.some((text) => text.startsWith('/etc/ssh/sshd_config, ')));
      assert.ok(stays.includes('the service that keeps the clock'));
      assert.ok(ids.includes('back /etc/nginx/sites-enabled/default'));
    });

    it('keeps the code that does it, and its memory, to the end', () => {
      const early = ids.filter((id) => / \/(opt|var\/lib)\/berth/.test(id));
      assert.deepEqual(early, []);
      assert.ok(end.some(({ id }) => id === 'no /opt/berth'));
    });

    it('deletes data only where it is to be purged', () => {
      const data = [/\/srv\/api\/shared$/, /^no role api$/, /\/var\/backups\/berth$/];
      const purged = removal(whole, { purge: true }).goals.map(({ id }) => id);
      for (const one of data) assert.ok(purged.some((id) => one.test(id)));
      const kept = ids.filter((id) => data.some((one) => one.test(id)));
      assert.deepEqual(kept, ['no empty /srv/api/shared', 'no empty /var/backups/berth']);
      assert.ok(stays.some((text) => text.startsWith('the database api')));
    });
  }

  it('goes backwards: a release stops before its unit’s file goes, and that before its user', () => {
    const ids = removal(siteOf('ID=debian\nVERSION_ID="13"\n'), { purge: false }).goals.map(({ id }) => id);
    const order = [
      'no release of api',
      'file /etc/systemd/system/api@.service',
      'no user api',
      'systemd units',
    ];
    const places = order.map((id) => ids.indexOf(id));
    assert.ok(!places.includes(-1), String(places));
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
    );
  });
});
