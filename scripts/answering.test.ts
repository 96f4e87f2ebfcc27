import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reachNow } from './answering.ts';
import type { Context } from './command.ts';
import { atPorts, type Ports } from './ports.ts';

/** An `ssh` that writes down where it goes, and finds sshd at one port alone. */
const ssh = `#!/bin/sh
port=usual
while [ "$1" != -- ]; do [ "$1" = -p ] && port=$2; shift; done
echo "$port" >>"\${0%/*}/tried"
[ "$port" = 2200 ] && { echo 'ops@box: Permission denied (publickey).' >&2; exit 255; }
echo "ssh: connect to host box port $port: Connection refused" >&2
exit 255
`;

describe('a machine whose port nobody could try twice', () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-answering-'));
  const path = process.env.PATH;
  before(() => {
    writeFileSync(join(directory, 'ssh'), ssh);
    chmodSync(join(directory, 'ssh'), 0o755);
  });
  beforeEach(() => {
    process.env.PATH = `${directory}:${path}`;
  });
  afterEach(() => {
    process.env.PATH = path;
  });
  after(() => rmSync(directory, { recursive: true }));

  async function found(ports: Ports) {
    writeFileSync(join(directory, 'tried'), '');
    const context = {
      reach: async () => atPorts({ alias: 'box', firstUser: 'root', names: [] }, ports),
      hostFile: async () => ({ settings: { admin: { user: 'ops' } } }),
      signal: new AbortController().signal,
    };
    const { port } = await reachNow(context as unknown as Context);
    return { port, tried: readFileSync(join(directory, 'tried'), 'utf8').split('\n').filter(Boolean) };
  }

  it('is looked for where it may be, and a refusal is an answer', async () => {
    assert.deepEqual(await found({ sshPort: 2222, given: 2200 }), { port: 2200, tried: ['2222', '2200'] });
    assert.deepEqual(await found({ sshPort: 2200 }), { port: 2200, tried: ['2200'] });
    await assert.rejects(found({ sshPort: 2222 }), { code: 'machine_unreachable' });
  });

  it('is not asked where it can be at one port alone, or the last apply left it there', async () => {
    assert.deepEqual(await found({}), { port: undefined, tried: [] });
    assert.deepEqual(await found({ sshPort: 2222, applied: 2222 }), { port: 2222, tried: [] });
    assert.deepEqual(await found({ given: 2201, applied: 22 }), { port: 2201, tried: [] });
    // The forward leads there, sshd's own port maybe not.
    const forwarded = await found({ sshPort: 2222, given: 2200, applied: 2222 });
    assert.deepEqual(forwarded, { port: 2200, tried: ['2222', '2200'] });
  });
});
