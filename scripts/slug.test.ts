import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { list } from 'tar';
import type { AppSettings } from '../provisioning/settings.ts';
import { run, runChecked } from './process.ts';
import { buildSlug, type Slug } from './slug.ts';
import { chooseSource, sourceOfApp } from './source.ts';

/** A small application in a checkout of its own, with no dependencies, so that npm has nothing to fetch. */
describe('a slug', function () {
  this.timeout(30_000);
  let root: string;

  const write = (name: string, text: string) => writeFileSync(join(root, name), text);
  const commit = () => runChecked(['git', '-C', root, 'commit', '--quiet', '--all', '--message', 'x']);
  const build = async (dirty = false, ref?: string, settings: Partial<AppSettings> = {}): Promise<Slug> => {
    const app = { name: 'small', path: '.', shared: [], ...settings };
    return buildSlug({
      cache: join(root, '.berth/cache'),
      target: { os: 'linux', cpu: 'x64', libc: 'glibc' },
      source: await sourceOfApp(await chooseSource(root, { dirty, ref }), app),
      onLine: () => {},
    });
  };
  const entriesOf = async ({ source }: Slug) => {
    const entries: string[] = [];
    await list({
      file: source.path,
      onReadEntry: ({ path, linkpath }) => entries.push(linkpath ? `${path} -> ${linkpath}` : path),
    });
    return entries;
  };

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'berth-slug-'));
    await runChecked(['git', 'init', '--quiet', root]);
    for (const [key, value] of [
      ['user.name', 'Test'],
      ['user.email', 'test@example.com'],
    ]) {
      await runChecked(['git', '-C', root, 'config', key as string, value as string]);
    }
    write('.gitignore', '.berth/\nnode_modules/\n');
    write('.gitattributes', '/docs.md export-ignore\n');
    write('package.json', '{"name": "small", "version": "1.0.0"}\n');
    write('Procfile', 'web: node server.js\n');
    write('docs.md', 'one');
    write('server.js', 'one');
    await runChecked(['npm', 'install', '--no-audit', '--no-fund'], { cwd: root });
    await runChecked(['git', '-C', root, 'add', '--all']);
    await commit();
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('holds what git would export, and a link to its dependencies', async () => {
    const slug = await build();
    const entries = await entriesOf(slug);
    assert.ok(entries.includes('server.js') && !entries.includes('docs.md'));
    assert.ok(entries.includes(`node_modules -> ../../layers/${slug.layer}/node_modules`));
  });

  it('is the same for the same content, built twice or by a commit that changes nothing in it', async () => {
    const first = await build();
    await run(['rm', '-rf', join(root, '.berth')]);
    assert.equal((await build()).id, first.id);
    write('docs.md', 'two');
    await commit();
    assert.equal((await build()).id, first.id);
    write('server.js', 'two');
    await commit();
    assert.notEqual((await build()).id, first.id);
  });

  it('is refused for a tree that is not committed, unless asked for as it is', async () => {
    write('server.js', 'two');
    await assert.rejects(build(), { code: 'dirty_tree', message: /: server\.js$/ });
    const dirty = await build(true);
    assert.match(dirty.commit, /-dirty$/);
    await runChecked(['git', '-C', root, 'checkout', '--quiet', '.']);
    write('new file.js', 'new');
    await assert.rejects(build(), { code: 'dirty_tree', message: /new file\.js/ });
    assert.equal((await run(['git', '-C', root, 'status', '--porcelain'])).stdout.trim(), '?? "new file.js"');
  });

  it('does not mind changes to what is never in it', async () => {
    write('docs.md', 'two');
    assert.doesNotMatch((await build()).commit, /dirty/);
  });

  it('is that of another commit by its name, whatever the working tree looks like', async () => {
    const first = await build();
    await runChecked(['git', '-C', root, 'tag', '--annotate', '--message', 'one', 'v1']);
    write('server.js', 'two');
    await commit();
    write('server.js', 'three');
    write('package.json', '{"name": "small", "version": "2.0.0"}\n');
    const { id, layer, commit: shown } = await build(false, 'v1');
    assert.deepEqual([id, layer, shown], [first.id, first.layer, first.commit]);
    assert.equal((await build(false, 'HEAD~1')).id, first.id);
    for (const ref of ['nowhere', '--all', '', 'v1:server.js'])
      await assert.rejects(build(false, ref), { code: 'unknown_ref' });
  });

  it('has the dependencies of its commit, not those that the working tree names now', async () => {
    const { layer } = await build();
    write('package.json', '{"name": "small", "version": "2.0.0"}\n');
    assert.notEqual((await build(true)).layer, layer);
    assert.equal((await build(false, 'HEAD')).layer, layer);
  });

  it('links its shared folders, and is refused where it has files of its own there', async () => {
    const shared = { shared: ['uploads', 'data/files'] };
    mkdirSync(join(root, 'uploads'));
    write('uploads/.gitkeep', '');
    await runChecked(['git', '-C', root, 'add', '--all']);
    await commit();
    const entries = await entriesOf(await build(false, undefined, shared));
    assert.ok(entries.includes('uploads -> ../../shared/uploads'));
    assert.ok(entries.includes('data/files -> ../../../shared/data/files'));
    write('uploads/photo.jpg', 'x');
    const refused = { code: 'shared_in_the_way', message: /uploads: uploads\/photo\.jpg$/ };
    await assert.rejects(build(true, undefined, shared), refused);
    rmSync(join(root, 'uploads'), { recursive: true });
    symlinkSync('/etc', join(root, 'data'));
    await assert.rejects(build(true, undefined, shared), { code: 'shared_in_the_way', message: /: data$/ });
  });

  it('is refused where it brings its dependencies', async () => {
    write('.gitignore', '.berth/\n');
    mkdirSync(join(root, 'node_modules'), { recursive: true });
    write('node_modules/x.js', 'x');
    await assert.rejects(build(true), { code: 'slug_refused', message: /node_modules is committed/ });
  });

  it('needs something to run, and says so before anything is installed', async () => {
    rmSync(join(root, 'Procfile'));
    await assert.rejects(build(true), { code: 'procfile_invalid', message: /no start script/ });
    write('package.json', '{"name": "small", "version": "1.0.0", "scripts": {"start": "node server.js"}}\n');
    assert.ok((await build(true)).id);
  });

  it('has what its build script makes, and is built again only for another source', async () => {
    const scripts = { build: 'node build.js', start: 'node dist/server.js' };
    write('package.json', JSON.stringify({ name: 'small', version: '1.0.0', scripts }));
    write(
      'build.js',
      "const fs = require('fs'); fs.mkdirSync('dist'); fs.writeFileSync('dist/server.js', String(Math.random()));",
    );
    const first = await build(true);
    const entries = await entriesOf(first);
    assert.ok(entries.includes('dist/server.js'));
    assert.ok(entries.includes(`node_modules -> ../../layers/${first.layer}/node_modules`));
    write('docs.md', 'two');
    assert.equal((await build(true)).id, first.id);
    write('build.js', "console.log('half way'); process.exit(3);");
    await assert.rejects(build(true), { code: 'build_failed', message: /half way/ });
  });

  describe('of a folder of the checkout', () => {
    const shop = { path: 'apps/shop', name: 'shop' };
    beforeEach(async () => {
      mkdirSync(join(root, 'apps/shop'), { recursive: true });
      write('.gitattributes', '/docs.md export-ignore\n/apps export-ignore\n');
      write('apps/shop/package.json', '{"name": "shop", "version": "1.0.0"}\n');
      write('apps/shop/Procfile', 'web: node shop.js\n');
      write('apps/shop/shop.js', 'one');
      await runChecked(['npm', 'install', '--no-audit', '--no-fund'], { cwd: join(root, 'apps/shop') });
      await runChecked(['git', '-C', root, 'add', '--all']);
      await commit();
    });

    it('is that folder alone, and nothing else makes it another one or dirty', async () => {
      const first = await build(false, undefined, shop);
      const entries = await entriesOf(first);
      assert.ok(entries.includes('shop.js') && !entries.includes('server.js'));
      write('server.js', 'two');
      assert.equal((await build(false, undefined, shop)).id, first.id);
      await commit();
      assert.equal((await build(false, undefined, shop)).id, first.id);
      write('apps/shop/shop.js', 'two');
      await assert.rejects(build(false, undefined, shop), {
        code: 'dirty_tree',
        message: /: apps\/shop\/shop\.js$/,
      });
      assert.notEqual((await build(true, undefined, shop)).id, first.id);
      assert.doesNotMatch((await build()).commit, /dirty/);
    });

    it('needs a package.json and a lock file of npm, by name', async () => {
      const nowhere = { path: 'apps/none', name: 'none' };
      await assert.rejects(build(false, undefined, nowhere), {
        code: 'not_an_application',
        message: /apps\.none: \w+ has no apps\/none\/package\.json$/,
      });
      rmSync(join(root, 'apps/shop/package-lock.json'));
      write('apps/shop/yarn.lock', '');
      await assert.rejects(build(true, undefined, shop), {
        code: 'lock_missing',
        message: /apps\/shop\/package-lock\.json; Berth installs with npm alone/,
      });
    });
  });

  it('needs a git checkout', async () => {
    rmSync(join(root, '.git'), { recursive: true });
    await assert.rejects(build(), { code: 'not_a_checkout' });
  });
});
