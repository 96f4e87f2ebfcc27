import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { list } from 'tar';
import { run, runChecked } from './process.ts';
import { buildSlug, chooseSource, type Slug } from './slug.ts';

/** A small application in a checkout of its own, with no dependencies, so that npm has nothing to fetch. */
describe('a slug', function () {
  this.timeout(30_000);
  let root: string;

  const write = (name: string, text: string) => writeFileSync(join(root, name), text);
  const commit = () => runChecked(['git', '-C', root, 'commit', '--quiet', '--all', '--message', 'x']);
  const build = async (dirty = false, ref?: string): Promise<Slug> =>
    buildSlug({
      root,
      cache: join(root, '.berth/cache'),
      target: { os: 'linux', cpu: 'x64', libc: 'glibc' },
      source: await chooseSource(root, { dirty, ref }),
    });

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
    write('docs.md', 'one');
    write('server.js', 'one');
    await runChecked(['npm', 'install', '--no-audit', '--no-fund'], { cwd: root });
    await runChecked(['git', '-C', root, 'add', '--all']);
    await commit();
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('holds what git would export, and a link to its dependencies', async () => {
    const { source, layer } = await build();
    const entries: string[] = [];
    await list({ file: source.path, onReadEntry: (entry) => entries.push(entry.linkpath ?? entry.path) });
    assert.ok(entries.includes('server.js') && !entries.includes('docs.md'));
    assert.ok(entries.includes(`../../layers/${layer}/node_modules`));
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

  it('needs a git checkout', async () => {
    rmSync(join(root, '.git'), { recursive: true });
    await assert.rejects(build(), { code: 'not_a_checkout' });
  });
});
