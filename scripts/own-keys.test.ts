import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownKeys } from './own-keys.ts';
import { runChecked } from './process.ts';

describe('the keys of a person', () => {
  let home: string;
  let agent: string | undefined;

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'berth-keys-'));
    mkdirSync(join(home, '.ssh'));
    agent = process.env.SSH_AUTH_SOCK;
    delete process.env.SSH_AUTH_SOCK;
  });
  afterEach(() => {
    rmSync(home, { recursive: true });
    if (agent !== undefined) process.env.SSH_AUTH_SOCK = agent;
  });

  it('are those whose private half is here, not a colleague’s or an authority’s', async () => {
    for (const name of ['id_ed25519', 'colleague']) {
      const path = join(home, '.ssh', name);
      await runChecked(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', `of ${name}`, '-f', path]);
    }
    rmSync(join(home, '.ssh/colleague'));
    const keys = await ownKeys(new AbortController().signal, home);
    assert.deepEqual(
      keys.map((key) => key.split(' ').slice(2).join(' ')),
      ['of id_ed25519'],
    );
  });
});
