import assert from 'node:assert/strict';
import { nginxFiles } from './nginx.ts';
import { siteFiles } from './pages.ts';
import { platformOf } from './platform.ts';
import { poolSize } from './releases/release.ts';
import type { AppSettings, Settings } from './settings.ts';
import { site } from './site.ts';
import { waiting } from './verify/units.ts';

function app(name: string, settings: Partial<AppSettings> = {}): AppSettings {
  return {
    ...{
      name,
      path: '.',
      push: 'main',
      domains: [],
      prefix: '/api',
      health: '/api/readyz',
      openapi: null,
      processes: { web: 0 },
      memoryMiB: null,
      env: {},
      secrets: [],
    },
    ...{
      shared: ['uploads'],
      bodyLimitBytes: 1e6,
      timeouts: { answerMs: 60_000, connectMs: 5000 },
      websocket: false,
      drainMs: 30_000,
      database: 'local',
      smoke: null,
      keep: 5,
      startTimeoutMs: 60_000,
      watchMs: 0,
      dumpBeforeRelease: true,
      queue: 'postgres',
      cron: [],
      ...settings,
    },
  };
}

function settings(apps: AppSettings[]): Settings {
  return {
    ...{ name: 'local', hostname: 'local', memoryMiB: null, timezone: 'UTC', locale: 'C.UTF-8', extraCa: [] },
    proxy: { url: null, noProxy: [] },
    admin: { user: 'deploy', keys: ['ssh-ed25519 AAAA'] },
    ssh: { port: 22, vagrant: null },
    confirmWithinMs: 60_000,
    journal: { maxUseMiB: 500 },
    swap: { mode: 'auto' },
    upgrades: { automatic: true, reboot: '04:30' },
    tls: { kind: 'local', names: ['10.77.0.2', 'api.example.com'] },
    nginx: { httpPort: 80, httpsPort: 443, publicHttpsPort: 443 },
    firewall: { enabled: true, allow: [], sshFrom: [], ban: true },
    backup: { enabled: true, at: '03:30', daily: 7, weekly: 4, manual: 10, drill: 'off', restic: null },
    postgresql: { memoryPercent: 25, maxConnections: 100 },
    notify: { webhook: { url: null } },
    apps: Object.fromEntries(apps.map((each) => [each.name, each])),
  };
}

/** What each of the supported distributions says of itself; the Ubuntu ones as recorded from their cloud images. */
const releases = {
  'Debian 12': 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n',
  'Debian 13': 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nVERSION_ID="13"\nID=debian\n',
  'Ubuntu 24.04': 'PRETTY_NAME="Ubuntu 24.04.3 LTS"\nVERSION_ID="24.04"\nID=ubuntu\nID_LIKE=debian\n',
  'Ubuntu 26.04': 'PRETTY_NAME="Ubuntu 26.04 LTS"\nVERSION_ID="26.04"\nID=ubuntu\nID_LIKE=debian\n',
};

const acme = {
  ...{ kind: 'letsencrypt' as const, names: ['api.example.com'], email: null, ca: null, hsts: true },
  ...{ directory: 'https://acme.example.org/directory', staging: null },
};

describe('the site', () => {
  for (const [name, osRelease] of Object.entries(releases)) {
    it(`is whole on ${name}, each resource named once`, () => {
      const two = [
        app('api', { queue: 'rabbitmq' }),
        app('blog', { prefix: '/', domains: ['blog.example.com'], database: 'none' }),
      ];
      const input = {
        settings: { ...settings(two), tls: acme },
        memoryMiB: 2048,
        code: 'code',
        runtime: 'runtime',
        web: 'web',
      };
      const ids = site({ ...input, platform: platformOf(osRelease) }).map(({ id }) => id);
      assert.equal(new Set(ids).size, ids.length, `${ids.filter((id, index) => ids.indexOf(id) !== index)}`);
      assert.ok(ids.length > 60);
    });
  }

  it('starts by itself what verify looks for', () => {
    for (const said of [
      { upgrades: { automatic: false, reboot: '04:30' }, tls: acme },
      { upgrades: { automatic: false, reboot: 'off' } },
    ]) {
      const here = { ...settings([app('api')]), ...said };
      const platform = platformOf(releases['Debian 13']);
      const input = {
        settings: here,
        platform,
        memoryMiB: 2048,
        code: 'code',
        runtime: 'runtime',
        web: 'web',
      };
      const made = site(input).map(({ id }) => /^service (\S+\.(?:timer|path))$/.exec(id)?.[1]);
      assert.deepEqual(waiting(here).sort(), made.filter((unit) => unit !== undefined).sort());
    }
  });

  it('is refused by name anywhere else', () => {
    for (const osRelease of [
      '',
      'ID=debian\nVERSION_ID="11"\nPRETTY_NAME="Debian 11"\n',
      'ID=fedora\nVERSION_ID=43\n',
    ]) {
      assert.throws(() => platformOf(osRelease), { code: 'unsupported_distribution' });
    }
  });
});

describe("nginx's configuration", () => {
  const servers = (apps: AppSettings[]) => {
    const configuration = nginxFiles(settings(apps), platformOf(releases['Debian 13']));
    return configuration['/etc/nginx/conf.d/berth.conf'] ?? '';
  };
  /** The first server only leads to https. */
  const paths = (text: string) => [...text.matchAll(/location (\S+) \{/g)].map(([, path]) => path).slice(1);

  it('has pages of documents where there is one, and none where an application has the site', () => {
    const documented = app('api', { openapi: '/api/openapi.json' });
    const ofPages = ['/', '/assets/', '/site.json'];
    assert.deepEqual(paths(servers([app('api')])), ofPages);
    assert.deepEqual(paths(servers([documented])), [...ofPages, '/docs', '/redoc']);
    assert.deepEqual(paths(servers([documented, app('all', { prefix: '/' })])), []);
    const elsewhere = app('blog', { domains: ['blog.example.com'], openapi: '/api/openapi.json' });
    assert.deepEqual(paths(servers([app('api'), elsewhere])), [...ofPages, ...ofPages, '/docs', '/redoc']);
  });

  it('describes each site to its own pages', () => {
    const blog = app('blog', { domains: ['blog.example.com', 'www.example.com'] });
    const files = siteFiles(settings([app('api'), blog]));
    const names = Object.entries(files).map(([path, text]) => [
      path,
      JSON.parse(text).applications.map(({ name }: { name: string }) => name),
    ]);
    assert.deepEqual(names, [
      ['/var/www/berth/_.json', ['api']],
      ['/var/www/berth/blog.example.com.json', ['blog']],
    ]);
    for (const [path] of names) assert.ok(servers([app('api'), blog]).includes(`alias ${path};`));
  });

  it('asks the longest prefix first, whatever the order of the applications', () => {
    const text = servers([app('all', { prefix: '/' }), app('shop', { prefix: '/shop' })]);
    assert.ok(text.indexOf('location ~ ^/shop(/|$)') < text.indexOf('location ~ ^/ {'));
    assert.ok(text.includes('location ~ ^/shop(/|$)'));
  });

  it('passes an upgrade to none but WebSockets, and those only where they are wanted', () => {
    assert.doesNotMatch(servers([app('shop')]), /Upgrade/);
    assert.match(servers([app('shop', { websocket: true })]), /Upgrade websocket;/);
  });
});

describe('the pool of a process', () => {
  it('leaves room for two releases of every application beside a reserve', () => {
    const of = (
      processes: Record<string, number>,
      all = [app('api')],
      queue: AppSettings['queue'] = 'postgres',
    ) => poolSize(settings(all), { queue }, processes);
    assert.equal(of({ web: 2 }), 10);
    assert.equal(of({ web: 4, worker: 1 }, [app('api'), app('blog')]), 4);
    assert.equal(of({ web: 64 }), 1);
    // 2 × 4 × 5 of web, and 4 × (5 + 7) of workers, or 4 × (6 + 2).
    assert.equal(of({ web: 4, worker: 4 }), 5);
    assert.equal(of({ web: 4, worker: 4 }, [app('api')], 'rabbitmq'), 6);
    assert.equal(of({ web: 4, worker: 16 }), 1);
  });
});
