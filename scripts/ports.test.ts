import assert from 'node:assert/strict';
import { BerthError } from '../provisioning/errors.ts';
import { atAnyPort, atPorts } from './ports.ts';

const machine = { alias: 'box', firstUser: 'root', names: [] };
const rows: [what: string, sshPort: number, given: number | undefined, ports: (number | undefined)[]][] = [
  ['nothing is said', 22, undefined, [undefined]],
  ['a forward leads to 22', 22, 2222, [2222, 22]],
  [
    'sshd is to move, and the machine was reached by a configuration of its own',
    2222,
    undefined,
    [2222, undefined, 22],
  ],
  ['sshd is to move, and machine.port says where it was', 2222, 2200, [2222, 2200, 22]],
  ['machine.port has followed already', 2222, 2222, [2222, 22]],
];

describe('the port of a machine', () => {
  for (const [what, sshPort, given, ports] of rows) {
    it(`is looked for at ${ports.map((port) => port ?? 'the usual one')} where ${what}`, () => {
      const { elsewhere = [], ...first } = atPorts(machine, sshPort, given);
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
      atAnyPort(atPorts(machine, 2222, 2200), async ({ port }) => {
        tried.push(port);
        const code = codes[String(port)];
        return code === undefined ? port : fail(code);
      });
    assert.equal(await attempt({ 2222: 'machine_unreachable' }), 2200);
    await assert.rejects(attempt({ 2222: 'ssh_auth_failed' }), { code: 'ssh_auth_failed' });
    assert.deepEqual(tried, [2222, 2200, 2222]);
  });
});
