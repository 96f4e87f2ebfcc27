import assert from 'node:assert/strict';
import { type Answered, assertDocumented } from './conformance.ts';

const READ = { method: 'GET', path: '/api/users/7' };

const USER = { id: 7, username: 'ada', created_at: '2026-11-21T09:47:18.608Z' };

const NOT_FOUND = {
  type: 'urn:berth:problem:not_found',
  title: 'Not Found',
  status: 404,
  request_id: 'a'.repeat(32),
};

const HEADERS = { 'X-Request-Id': 'a'.repeat(32), 'X-Release': 'v1' };

function answered(status: number, body: unknown, type: string | null, headers: object = HEADERS): Answered {
  const all = new Headers({ ...headers });
  if (type !== null) all.set('Content-Type', type);
  return { status, headers: all, body };
}

const json = (body: unknown) => answered(200, body, 'application/json; charset=utf-8');
const problem = (status: number, body: unknown) => answered(status, body, 'application/problem+json');

describe('an answer', () => {
  const allowed: [string, { method: string; path: string }, Answered][] = [
    ['as documented', READ, json(USER)],
    ['with a trailing slash', { ...READ, path: '/api/users/7/' }, json(USER)],
    ['to HEAD, without the body', { ...READ, method: 'HEAD' }, json(null)],
    ['with a documented code', READ, problem(404, NOT_FOUND)],
    ['of a failure', READ, problem(500, { ...NOT_FOUND, status: 500, type: 'urn:berth:problem:internal' })],
    ['that nothing is here', { method: 'GET', path: '/elsewhere' }, problem(404, NOT_FOUND)],
    ['to a preflight', { method: 'OPTIONS', path: '/api/posts' }, answered(204, null, null)],
  ];
  for (const [what, asked, answer] of allowed) {
    it(`is allowed ${what}`, () => assertDocumented(asked, answer));
  }

  const { id: _, ...incomplete } = USER;
  const refused: [string, RegExp, { method: string; path: string }, Answered][] = [
    ['with one more property', /additional properties/, READ, json({ ...USER, email: 'a@example.org' })],
    ['with one less', /required property 'id'/, READ, json(incomplete)],
    ['of another type', /must be integer/, READ, json({ ...USER, id: '7' })],
    ['of another format', /date-time/, READ, json({ ...USER, created_at: 'yesterday' })],
    [
      'of another shape of the same path',
      /required property 'email'/,
      { ...READ, path: '/api/users/me' },
      json(USER),
    ],
    ['of another Content-Type', /Content-Type/, READ, answered(200, USER, 'text/html')],
    ['without a body', /must be object/, READ, json(null)],
    [
      'with a body that none has',
      /Content-Type/,
      { method: 'DELETE', path: '/api/users/me' },
      { ...json(USER), status: 204 },
    ],
    ['with another status', /no such status/, READ, { ...json(USER), status: 201 }],
    ['with a 4xx that is not named', /no such status/, READ, problem(418, { ...NOT_FOUND, status: 418 })],
    [
      'without a required header',
      /no X-Release/,
      READ,
      answered(200, USER, 'application/json', { 'X-Request-Id': 'a' }),
    ],
    [
      'of another code',
      /urn:berth:problem:gone is none of/,
      READ,
      problem(404, { ...NOT_FOUND, type: 'urn:berth:problem:gone' }),
    ],
    [
      'that something is there which is not documented',
      /200 !== 404/,
      { method: 'GET', path: '/api/secret' },
      json({}),
    ],
    [
      'to a method that is not documented',
      /200 !== 405/,
      { method: 'POST', path: '/api/users/7' },
      json(USER),
    ],
  ];
  for (const [what, message, asked, answer] of refused) {
    it(`is refused ${what}`, () => assert.throws(() => assertDocumented(asked, answer), message));
  }
});
