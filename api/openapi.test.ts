import assert from 'node:assert/strict';
import { resources } from './resources/index.ts';
import type { Services } from './services.ts';
import { PASSWORD, type Reply, useApi } from './testing/api.ts';

/** Each row of the contract: the statuses that it may answer. */
const CONTRACT: Record<string, number[]> = {
  'GET /livez': [200],
  'GET /readyz': [200, 503],
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
        published[`${method.toUpperCase()} ${path}`] = Object.keys(responses).map(Number);
      }
    }
    assert.deepEqual(published, CONTRACT);
  });

  it('says what a request may hold, as it is checked', async () => {
    const { paths } = (await api.anonymous.get('/openapi.json')).body;
    const { schema } = paths['/posts'].post.requestBody.content['application/json'];
    assert.deepEqual(schema.required, ['content', 'title']);
    assert.deepEqual(schema.properties.title, { type: 'string', minLength: 1, maxLength: 200 });
    const limit = paths['/posts'].get.parameters.find(
      (parameter: { name: string }) => parameter.name === 'limit',
    );
    assert.deepEqual(limit.schema, { type: 'integer', default: 10, minimum: 1, maximum: 100 });
    assert.deepEqual(paths['/posts'].get.security, [{ bearer: [] }]);
    assert.deepEqual(paths['/login'].post.security, []);
  });

  it('says what is answered, as it is', async () => {
    const routes = resources({ config: {} } as Services);
    const ada = await api.signUp('ada');
    const post = (await ada.post('/posts', { title: 't', content: 'c' })).body;
    const answers: Record<string, Promise<Reply>> = {
      'GET /livez': api.anonymous.get('/livez'),
      'GET /readyz': api.anonymous.get('/readyz'),
      'POST /users': api.anonymous.post('/users', { email: 'b@example.org', password: PASSWORD }),
      'GET /users/:id': ada.get(`/users/${ada.id}`),
      'GET /users/me': ada.get('/users/me'),
      'PATCH /users/me': ada.patch('/users/me', {}),
      'POST /login': api.anonymous.post('/login', { username: ada.email, password: PASSWORD }),
      'POST /token/refresh': api.anonymous.post('/token/refresh', {
        refresh_token: ada.tokens.refresh_token,
      }),
      'GET /posts': ada.get('/posts'),
      'POST /posts': ada.post('/posts', { title: 't', content: 'c' }),
      'GET /posts/:id': ada.get(`/posts/${post.id}`),
      'PUT /posts/:id': ada.put(`/posts/${post.id}`, { title: 't', content: 'c' }),
      'PATCH /posts/:id': ada.patch(`/posts/${post.id}`, {}),
      'POST /vote': ada.post('/vote', { post_id: post.id, dir: 1 }),
    };
    for (const { method, path, success } of routes.filter((row) => row.success[1])) {
      const [status, shape] = success;
      const reply = await answers[`${method} ${path}`];
      assert.equal(reply?.status, status, `${method} ${path}`);
      assert.equal(
        shape?.required().validate(reply?.body, { convert: true }).error,
        undefined,
        `${method} ${path}`,
      );
    }
  });
});
