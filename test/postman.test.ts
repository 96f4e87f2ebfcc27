import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useApi } from '../api/testing/api.ts';
import { run, runChecked } from '../scripts/process.ts';
import { newman } from './newman.ts';

const ROOT = join(import.meta.dirname, '..');

const berth = (...args: string[]) => run([join(ROOT, 'scripts/berth'), 'docs', ...args]);

describe('berth docs', function () {
  this.timeout(60_000);
  const api = useApi();
  let directory: string;
  let file: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'berth-docs-'));
    file = join(directory, 'collection.json');
    await runChecked([join(ROOT, 'scripts/berth'), 'docs', 'postman', '--output', file]);
  });
  after(() => rm(directory, { recursive: true }));

  it('prints the document that the API serves', async () => {
    const { stdout, stderr } = await berth('openapi');
    assert.deepEqual(JSON.parse(stdout), (await api.anonymous.get('/openapi.json')).body);
    assert.equal(stderr, '');
  });

  it('makes a collection with every operation, and the same one each time', async () => {
    const text = await readFile(file, 'utf8');
    const { stdout, stderr } = await berth('postman');
    assert.equal(stdout, text);
    assert.equal(stderr, '');
    const { paths } = (await api.anonymous.get('/openapi.json')).body;
    const operations = Object.values<object>(paths).flatMap((path) => Object.values(path));
    const ending = operations.filter((operation) => !JSON.stringify(operation).includes('text/event-stream'));
    assert.equal(JSON.parse(text).item.length, ending.length);
  });

  it('makes one that Newman runs from signing up to deleting the account, twice, each request with its test', async () => {
    for (let round = 0; round < 2; round += 1) {
      const { requests, assertions } = await newman(file, api.url);
      assert.equal(requests, JSON.parse(await readFile(file, 'utf8')).item.length);
      assert.equal(assertions, requests);
    }
    assert.equal(await countOf('users'), 0);
    assert.equal(await countOf('posts'), 0);
  });

  it('makes one that Newman fails where the API answers otherwise', async () => {
    await api.db.raw('alter table votes rename to lost');
    const failed = newman(file, api.url).finally(() => api.db.raw('alter table lost rename to votes'));
    await assert.rejects(failed, /answers 201.*500/s);
  });

  it('refuses a form that there is not', async () => {
    const { code, stderr } = await berth('word');
    assert.equal(code, 64);
    assert.match(stderr, /knows no "word"/);
  });

  it('says when it cannot write', async () => {
    const { code, stderr } = await berth('openapi', '--output', join(directory, 'no/such/file'));
    assert.equal(code, 64);
    assert.match(stderr, /ENOENT/);
  });

  async function countOf(table: string): Promise<number> {
    const [row] = await api.db(table).count<{ count: string }[]>();
    return Number(row?.count);
  }
});
