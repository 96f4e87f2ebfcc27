import assert from 'node:assert/strict';
import { type Account, JWT_KEYS, PASSWORD, useApi } from './testing/api.ts';

describe('a stolen database', () => {
  const api = useApi();
  let ada: Account;
  let everything: string;

  before(async () => {
    ada = await api.signUp('ada');
    const { body } = await api.anonymous.post('/token/refresh', { refresh_token: ada.tokens.refresh_token });
    Object.assign(ada.tokens, body);
    await ada.post('/posts', { title: 't', content: 'c' });
    everything = await dump();
  });

  /** Every row of every table as text, in which PostgreSQL writes bytes in hex. */
  async function dump(): Promise<string> {
    const tables = await api.db('pg_tables').where({ schemaname: 'public' }).pluck('tablename');
    const rows = await Promise.all(
      tables.map((table) => api.db.raw('select t::text as row from ?? as t', [table])),
    );
    return rows.flatMap((result) => result.rows.map(({ row }: { row: string }) => row)).join('\n');
  }

  it('is seen whole', () => {
    for (const text of ['ada@example.org', 'login_account', '0001_users.ts'])
      assert.ok(everything.includes(text));
  });

  it('holds no token, no key and no password, in no encoding', () => {
    const [session, secret] = ada.tokens.refresh_token.split('.') as [string, string];
    assert.ok(everything.includes(session));
    const [, , signature = ''] = ada.tokens.access_token.split('.');
    const key = JWT_KEYS.slice(JWT_KEYS.indexOf(':') + 1);
    for (const text of [secret, signature, key, PASSWORD]) {
      for (const bytes of [Buffer.from(text), Buffer.from(text, 'base64url')])
        for (const encoding of ['latin1', 'hex', 'base64', 'base64url'] as const)
          assert.ok(!everything.includes(bytes.toString(encoding)), `${text} as ${encoding}`);
    }
  });

  it('holds nothing that the API takes for a token', async () => {
    const sessions = await api.db('sessions').select();
    const words = everything.match(/[\w./$+=:@-]{8,}/g) ?? [];
    assert.ok(sessions.length > 0 && words.length > 20);
    for (const word of new Set(words)) {
      // Before the hex digits of bytes PostgreSQL puts an x.
      const authorization = { Authorization: `Bearer ${word}` };
      assert.equal((await api.anonymous.get('/users/me', authorization)).status, 401, word);
      for (const token of [word, ...sessions.map(({ id }) => `${id}.${word.replace(/^x/, '')}`)]) {
        const { status } = await api.anonymous.post('/token/refresh', { refresh_token: token.slice(0, 200) });
        assert.equal(status, 401, token);
        // A guess ends the session: the next is to meet it again.
        await api.db('sessions').insert(sessions).onConflict().ignore();
      }
    }
  });
});
