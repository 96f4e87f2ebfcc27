import assert from 'node:assert/strict';
import { BerthError } from '../provisioning/errors.ts';
import { atAnyPort, atPorts, type Ports } from './ports.ts';

const machine = { alias: 'box', firstUser: 'root', names: [] };
const rows: [what: string, known: Ports, ports: (number | undefined)[]][] = [
  ['nothing is said', {}, [undefined]],
  ['a forward leads to 22', { given: 2222 }, [2222, 22]],
  ['sshd is to move back', { applied: 2222 }, [undefined, 2222]],
  [
    'sshd is to move, and the machine was reached by a configuration of its own',
    { sshPort: 2222 },
    [2222, undefined, 22],
  ],
  ['sshd is to move, and machine.port says where it was', { sshPort: 2222, given: 2200 }, [2222, 2200, 22]],
  ['machine.port has followed already', { sshPort: 2222, given: 2222 }, [2222, 22]],
];

describe('the port of a machine', () => {
  for (const [what, known, ports] of rows) {
    it(`is looked for at ${ports.map((port) => port ?? 'the usual one')} where ${what}`, () => {
      const { elsewhere = [], ...first } = atPorts(machine, known);
      assert.deepEqual(
        [first, ...elsewhere].map(({ port }) => port),
        ports,
      );
    });
  }

  it('is the first that answers, and a refusal is an answer', async () => {
    const tried: (number | undefined)[] = [];
    const fail = (code: string) => Promise.reject(new BerthError(code, '', ''));
    const attempt = (codes: Record<string, string>) =>
      atAnyPort(atPorts(machine, { sshPort: 2222, given: 2200 }), async ({ port }) => {
        tried.push(port);
        const code = codes[String(port)];
        return code === undefined ? port : fail(code);
      });
    assert.equal(await attempt({ 2222: 'machine_unreachable' }), 2200);
    await assert.rejects(attempt({ 2222: 'ssh_auth_failed' }), { code: 'ssh_auth_failed' });
    assert.deepEqual(tried, [2222, 2200, 2222]);
  });
});
