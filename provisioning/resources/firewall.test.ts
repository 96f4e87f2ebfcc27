import assert from 'node:assert/strict';
import { plans, rootFile } from '../../test/resource-rows.ts';
import type { Host } from '../host.ts';
import { firewallRules, tablesOf } from './firewall.ts';

plans('the rules of the firewall', firewallRules('berth-firewall.service', ['22/tcp']), [
  [{ live: null, loaded: null, rivals: [] }, []],
  [{ live: 'a', loaded: 'a', rivals: ['ip filter'] }, []],
  [{ live: 'a', loaded: 'b', rivals: [] }, ['systemctl reload berth-firewall.service']],
  [{ live: null, loaded: 'a', rivals: [] }, ['systemctl reload berth-firewall.service']],
]);

describe('the tables of others', () => {
  const table = (name: string, policy: string) =>
    `table ${name} {\n\tchain INPUT {\n\t\ttype filter hook input priority filter; policy ${policy};\n\t}\n}\n`;
  const stateOf = (ruleset: string) =>
    firewallRules('berth-firewall.service', ['22/tcp', '80/tcp']).check({
      ...{ stat: async () => rootFile, read: async () => null, must: async () => ruleset },
    } as unknown as Host);

  it('are told apart', () => {
    const text = `${table('ip nat', 'accept')}${table('inet berth', 'drop')}`;
    assert.deepEqual([...tablesOf(text).keys()], ['ip nat', 'inet berth']);
    assert.equal(tablesOf(text).get('inet berth'), table('inet berth', 'drop'));
  });

  it('are named where they drop what comes in, as ufw does, and not where they do not, as Docker does', async () => {
    const docker = table('ip filter', 'drop').replaceAll(/INPUT|input/g, (word) =>
      word === 'INPUT' ? 'FORWARD' : 'forward',
    );
    const others =
      docker + table('ip6 filter', 'drop') + table('inet firewalld', 'accept') + table('inet berth', 'drop');
    const { rivals } = await stateOf(others);
    assert.deepEqual(rivals, ['ip6 filter', 'inet firewalld']);
  });
});
