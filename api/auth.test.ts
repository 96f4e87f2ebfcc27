import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { type Account, useApi } from './testing/api.ts';
import { assertProblem } from './testing/assert-problem.ts';

const OLD = 'o'.repeat(32);
const NEW = 'n'.repeat(32);

const PROTECTED = [
  'GET /users/1',
  'GET /users/me',
  'PATCH /users/me',
  'DELETE /users/me',
  'GET /posts',
  'POST /posts',
  'GET /posts/1',
  'PUT /posts/1',
  'PATCH /posts/1',
  'DELETE /posts/1',
  'POST /vote',
];

const RSA = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
}).privateKey;

/** Where other libraries have let a token name its key. */
const BROUGHT = {
  alg: 'HS256',
  kid: 'new',
  jwk: { kty: 'oct', k: Buffer.from('x'.repeat(32)).toString('base64url') },
  jku: 'https://elsewhere.example/keys',
  x5u: 'https://elsewhere.example/chain',
};

interface Edit {
  header?: object;
  payload?: object;
  signature?: string;
  secret?: string;
}

function merged(part: string, changes: object): string {
  const members = JSON.parse(Buffer.from(part, 'base64url').toString());
  return Buffer.from(JSON.stringify({ ...members, ...changes })).toString('base64url');
}

describe('authentication', () => {
  const api = useApi({ JWT_KEYS: `new:${NEW},old:${OLD}` });
  let ada: Account;
  before(async () => {
    await api.signUp('first');
    ada = await api.signUp('ada');
  });

  const sign = (secret: string, options: jwt.SignOptions, payload: object = { ver: 1 }) =>
    jwt.sign(payload, secret, {
      algorithm: 'HS256',
      keyid: 'new',
      subject: String(ada.id),
      expiresIn: 60,
      ...options,
    });
  const parts = () => ada.tokens.access_token.split('.') as [string, string, string];

  /** Ada's token with some members changed, under the old signature, another, or one made anew. */
  function edited({ header = {}, payload = {}, signature, secret }: Edit): string {
    const [oldHeader, oldPayload, oldSignature] = parts();
    const text = [merged(oldHeader, header), merged(oldPayload, payload)].join('.');
    const made = secret && createHmac('sha256', secret).update(text).digest('base64url');
    return `${text}.${signature ?? made ?? oldSignature}`;
  }

  const me = (authorization: string) => api.anonymous.get('/users/me', { Authorization: authorization });

  /** 43 characters are 258 bits, of which the last two say nothing. */
  function withLooseEnd(token: string): string {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const last = alphabet.indexOf(token.at(-1) as string);
    return token.slice(0, -1) + alphabet[last ^ 1];
  }

  /** Signed anew until the signature has a letter that base64 writes otherwise than base64url. */
  function inOtherAlphabet(): string {
    for (let n = 0; ; n++) {
      const token = sign(NEW, {}, { ver: 1, n });
      const [header, payload, signature = ''] = token.split('.');
      if (/[-_]/.test(signature))
        return [header, payload, signature.replaceAll('-', '+').replaceAll('_', '/')].join('.');
    }
  }

  const unending = () =>
    jwt.sign({ ver: 1 }, NEW, { algorithm: 'HS256', keyid: 'new', subject: String(ada.id) });

  for (const row of PROTECTED) {
    it(`${row} needs a token`, async () => {
      const [method = '', path = ''] = row.split(' ');
      const reply = await api.anonymous.send(method, path);
      assertProblem(reply, 401, 'unauthorized');
      assert.equal(reply.headers.get('www-authenticate'), 'Bearer');
    });
  }

  it('signs with the first key and takes the others, so that keys rotate', async () => {
    const { header } = jwt.decode(ada.tokens.access_token, { complete: true }) as jwt.Jwt;
    assert.equal(header.kid, 'new');
    assert.equal((await me(`Bearer ${sign(OLD, { keyid: 'old' })}`)).status, 200);
    assert.equal((await me(`bearer ${sign(NEW, {})}`)).status, 200);
  });

  const forged: [string, () => string][] = [
    ['no token', () => 'Bearer'],
    ['another scheme', () => `Basic ${ada.tokens.access_token}`],
    ['noise', () => 'Bearer a.b.c'],
    ['a token and more', () => `Bearer ${ada.tokens.access_token} x`],
    ['a changed signature', () => `Bearer ${ada.tokens.access_token.slice(0, -3)}AAA`],
    ['an unknown key', () => `Bearer ${sign(NEW, { keyid: 'lost' })}`],
    ['no key id', () => `Bearer ${jwt.sign({ ver: 1, sub: String(ada.id) }, NEW)}`],
    ['the wrong key’s id', () => `Bearer ${sign(OLD, { keyid: 'new' })}`],
    ['the algorithm none', () => `Bearer ${sign('', { algorithm: 'none' })}`],
    ['another algorithm', () => `Bearer ${sign(NEW, { algorithm: 'HS512' })}`],
    ['an expired token', () => `Bearer ${sign(NEW, { expiresIn: -1 })}`],
    ['a user who never was', () => `Bearer ${sign(NEW, { subject: '2147483647' })}`],
    ['a subject that is no id', () => `Bearer ${sign(NEW, { subject: "1' or 1=1" })}`],
    ['an id past 2^53', () => `Bearer ${sign(NEW, { subject: '9007199254740993' })}`],
    ['no password version', () => `Bearer ${sign(NEW, {}, {})}`],
    ['a password version of another type', () => `Bearer ${sign(NEW, {}, { ver: 'x' })}`],
    ['RS256, whatever signed it', () => `Bearer ${sign(RSA, { algorithm: 'RS256' })}`],
    ['a key that it brings itself', () => `Bearer ${sign('x'.repeat(32), { header: BROUGHT })}`],
    ['the algorithm none in capitals', () => `Bearer ${edited({ header: { alg: 'None' }, signature: '' })}`],
    ['no signature', () => `Bearer ${edited({ signature: '' })}`],
    ['two parts', () => `Bearer ${parts().slice(0, 2).join('.')}`],
    ['four parts', () => `Bearer ${ada.tokens.access_token}.x`],
    ['another subject under its signature', () => `Bearer ${edited({ payload: { sub: '1' } })}`],
    ['another end under its signature', () => `Bearer ${edited({ payload: { exp: 4e9 } })}`],
    ['another header under its signature', () => `Bearer ${edited({ header: { typ: 'at+jwt' } })}`],
    ['a signature that decodes alike', () => `Bearer ${withLooseEnd(ada.tokens.access_token)}`],
    ['a signature that is padded', () => `Bearer ${ada.tokens.access_token}=`],
    ['a signature of other letters for the same', () => `Bearer ${inOtherAlphabet()}`],
    ['a token that never ends', () => `Bearer ${unending()}`],
    ['a token of the future', () => `Bearer ${sign(NEW, {}, { ver: 1, iat: inSeconds(3600) })}`],
    ['a token before its time', () => `Bearer ${sign(NEW, { notBefore: 60 })}`],
    ['a token for somebody else', () => `Bearer ${sign(NEW, { audience: 'elsewhere' })}`],
    ['a token of somebody else', () => `Bearer ${sign(NEW, { issuer: 'https://elsewhere.example' })}`],
    ...['__proto__', 'constructor', '../../../dev/null', "new' or '1'='1", 'new\0', 'NEW', ''].map(
      (keyid): [string, () => string] => [
        `the key id ${JSON.stringify(keyid)}`,
        () => `Bearer ${edited({ header: { kid: keyid }, secret: NEW })}`,
      ],
    ),
    ...[null, 0, ['new'], { kid: 'new' }].map((kid): [string, () => string] => [
      `the key id ${JSON.stringify(kid)}, which is no text`,
      () => `Bearer ${edited({ header: { kid }, secret: NEW })}`,
    ]),
    ['a payload that is no object', () => `Bearer ${jwt.sign('x', NEW, { keyid: 'new' })}`],
  ];
  for (const [what, authorization] of forged) {
    it(`refuses ${what}`, async () => assertProblem(await me(authorization()), 401, 'unauthorized'));
  }

  it('takes a token of a clock that is a little ahead', async () => {
    assert.equal((await me(`Bearer ${sign(NEW, {}, { ver: 1, iat: inSeconds(30) })}`)).status, 200);
  });

  it('refuses a refresh token in place of an access token', async () => {
    assertProblem(await me(`Bearer ${ada.tokens.refresh_token}`), 401, 'unauthorized');
  });

  it('refuses the tokens of a deleted user at once', async () => {
    const bob = await api.signUp('bob');
    await bob.delete('/users/me');
    assertProblem(await bob.get('/posts'), 401, 'unauthorized');
  });

  it('never answers for a user deleted while the request ran', async () => {
    const carol = await api.signUp('carol');
    const replies = await Promise.all([
      ...Array.from({ length: 20 }, () => carol.post('/posts', { title: 't', content: 'c' })),
      carol.delete('/users/me'),
      ...Array.from({ length: 20 }, () => carol.post('/posts', { title: 't', content: 'c' })),
    ]);
    const statuses = new Set(replies.map((reply) => reply.status));
    assert.ok(
      [...statuses].every((status) => [201, 204, 401].includes(status)),
      [...statuses].join(),
    );
    assert.equal((await api.db('posts').where({ owner_id: carol.id })).length, 0);
  });

  describe('of a token that was found good before', () => {
    const known = async (options: jwt.SignOptions = {}) => {
      const token = sign(NEW, options);
      assert.equal((await me(`Bearer ${token}`)).status, 200);
      return token;
    };

    it('ends when the token does', async () => {
      const token = await known({ expiresIn: 2 });
      const { exp } = jwt.decode(token) as jwt.JwtPayload;
      let reply = await me(`Bearer ${token}`);
      while (reply.status === 200) {
        assert.ok(Date.now() / 1000 < (exp ?? 0) + 1, 'it is taken after its end');
        reply = await me(`Bearer ${token}`);
      }
      assertProblem(reply, 401, 'unauthorized');
      assert.ok(Date.now() / 1000 >= (exp ?? 0), 'it is refused before its end');
    });

    it('does not extend to another that is the same but for its end', async () => {
      const token = await known();
      const last = token.at(-1) === 'A' ? 'E' : 'A';
      for (const other of [token.slice(0, -1) + last, `${token}A`, token.slice(0, -1), `${token}.`]) {
        assertProblem(await me(`Bearer ${other}`), 401, 'unauthorized');
      }
    });

    it('does not extend to another payload or header with its signature', async () => {
      const [header = '', , signature = ''] = (await known()).split('.');
      const [, payload = ''] = sign(NEW, { subject: String(ada.id + 1) }).split('.');
      assertProblem(await me(`Bearer ${header}.${payload}.${signature}`), 401, 'unauthorized');
    });

    it('asks for its owner each time', async () => {
      const dave = await api.signUp('dave');
      for (let n = 0; n < 3; n += 1) assert.equal((await dave.get('/users/me')).status, 200);
      await api.db('users').where({ id: dave.id }).increment('token_version');
      assertProblem(await dave.get('/users/me'), 401, 'unauthorized');
    });
  });
});

function inSeconds(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}
