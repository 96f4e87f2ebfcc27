import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PASSWORD, useApi } from './testing/api.ts';
import { Client } from './testing/client.ts';
import { run } from './testing/process.ts';

/** Redocly asks nobody for newer versions and tells nobody that it ran. */
const QUIET = { REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' };

/** Each row of the contract: the statuses that it may answer. */
const CONTRACT: Record<string, number[]> = {
  'GET /livez': [200],
  'GET /readyz': [200],
  'POST /users': [201, 409, 413, 422, 429],
  'GET /users/{id}': [200, 401, 404],
  'GET /users/me': [200, 401],
  'PATCH /users/me': [200, 401, 409, 413, 422, 429],
  'DELETE /users/me': [204, 401],
  'POST /login': [200, 401, 413, 422, 429],
  'POST /token/refresh': [200, 401, 413, 422],
  'POST /logout': [204, 401, 413, 422],
  'GET /posts': [200, 401, 422],
  'POST /posts': [201, 401, 413, 422],
  'GET /posts/{id}': [200, 304, 401, 404],
  'PUT /posts/{id}': [200, 401, 403, 404, 412, 413, 422],
  'PATCH /posts/{id}': [200, 401, 403, 404, 412, 413, 422],
  'DELETE /posts/{id}': [204, 401, 403, 404],
  'POST /vote': [201, 401, 404, 409, 413, 422],
  'POST /tasks': [202, 401, 413, 422, 429],
  'GET /tasks': [200, 401, 422],
  'GET /tasks/{id}': [200, 401, 404],
  'GET /tasks/{id}/events': [200, 204, 401, 404, 429],
  'GET /exports/{id}': [200, 403, 404, 422],
  'GET /digests': [200, 401, 422],
  'GET /openapi.json': [200],
};

describe('GET /openapi.json', () => {
  const api = useApi({ RELEASE: 'v42' });

  it('publishes every row of the contract with its statuses', async () => {
    const { status, body } = await api.anonymous.get('/openapi.json');
    assert.equal(status, 200);
    assert.equal(body.openapi, '3.1.0');
    assert.equal(body.info.version, 'v42');
    const published: Record<string, number[]> = {};
    for (const [path, operations] of Object.entries<Record<string, { responses: object }>>(body.paths)) {
      for (const [method, { responses }] of Object.entries(operations)) {
        const keys = Object.keys(responses);
        // Whatever is asked, the database may be away and what stands before the handlers may refuse.
        assert.deepEqual(keys.slice(-3), ['503', '4XX', 'default']);
        published[`${method.toUpperCase()} ${path}`] = keys.slice(0, -3).map(Number);
      }
    }
    assert.deepEqual(published, CONTRACT);
  });

  it('says what a request may hold, as it is checked', async () => {
    const { paths, components } = (await api.anonymous.get('/openapi.json')).body;
    const { content } = paths['/posts'].post.requestBody;
    assert.deepEqual(content, { 'application/json': { schema: { $ref: '#/components/schemas/Draft' } } });
    const { Draft, Ballot, ProfileChange } = components.schemas;
    assert.deepEqual(Draft.required, ['content', 'title']);
    const { description, ...title } = Draft.properties.title;
    assert.match(description, /NUL/);
    assert.deepEqual(title, { type: 'string', minLength: 1, maxLength: 200 });
    assert.deepEqual([Ballot.properties.dir.type, Ballot.properties.dir.enum], ['integer', [0, 1]]);
    assert.deepEqual(ProfileChange.dependentRequired, { password: ['current_password'] });
    const limit = paths['/posts'].get.parameters.find(
      (parameter: { name: string }) => parameter.name === 'limit',
    );
    assert.deepEqual(limit.schema, { type: 'integer', default: 10, minimum: 1, maximum: 100 });
  });

  it('offers a form where the body is text alone', async () => {
    const { paths } = (await api.anonymous.get('/openapi.json')).body;
    const types = (path: string) => Object.keys(paths[path].post.requestBody.content);
    const json = 'application/json';
    assert.deepEqual(types('/login'), [json, 'application/x-www-form-urlencoded']);
    assert.deepEqual(types('/vote'), [json]);
  });

  it('lets people sign in by password, and clients bring a token', async () => {
    const { paths, components } = (await api.anonymous.get('/openapi.json')).body;
    assert.deepEqual(paths['/posts'].get.security, [{ password: [] }, { bearer: [] }]);
    assert.deepEqual(paths['/login'].post.security, []);
    const { tokenUrl, refreshUrl } = components.securitySchemes.password.flows.password;
    const grace = await api.signUp('grace');
    const origin = new Client(new URL(api.url).origin);
    const form = (path: string, fields: object) => origin.post(path, new URLSearchParams({ ...fields }));
    const signedIn = await form(tokenUrl, {
      grant_type: 'password',
      username: grace.email,
      password: PASSWORD,
    });
    assert.equal(signedIn.status, 200);
    const { refresh_token } = signedIn.body;
    const refreshed = await form(refreshUrl, { grant_type: 'refresh_token', refresh_token });
    assert.equal(refreshed.status, 200);
  });

  it('passes Redocly’s strict rules', async function () {
    this.timeout(60_000);
    const file = join(await mkdtemp(join(tmpdir(), 'api-openapi-')), 'openapi.json');
    await writeFile(file, JSON.stringify((await api.anonymous.get('/openapi.json')).body));
    const { exit } = run('node_modules/@redocly/cli/bin/cli.js', QUIET, [
      'lint',
      '--extends=recommended-strict',
      file,
    ]);
    const { code, stdout, stderr } = await exit;
    await rm(dirname(file), { recursive: true });
    assert.equal(code, 0, stdout + stderr);
    assert.match(stderr, /Your API description is valid/);
    assert.doesNotMatch(stdout + stderr, /warning/i);
  });
});
