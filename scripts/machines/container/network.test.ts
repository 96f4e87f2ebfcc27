import assert from 'node:assert/strict';
import { dropsForwarded, handlesOf, type NftItem } from './forward.ts';
import { chooseAddress, type Lease } from './leases.ts';
import { parseRange } from './range.ts';
import { type AddressEntry, holderOf, type RouteEntry } from './routes.ts';

const range = parseRange('10.77.0.0/24');
const bridge = 'berth-0a4d0000';

describe('the network range', () => {
  const cases: [string, AddressEntry[], RouteEntry[], string | undefined][] = [
    [
      'is free beside others',
      [{ ifname: 'eth0', addr_info: [{ local: '10.0.0.5', prefixlen: 24 }] }],
      [{ dst: 'default', dev: 'eth0' }],
      undefined,
    ],
    [
      'is free where our own bridge has it',
      [{ ifname: bridge, addr_info: [{ local: '10.77.0.1', prefixlen: 24 }] }],
      [{ dst: '10.77.0.0/24', dev: bridge }],
      undefined,
    ],
    [
      'is taken by an address',
      [{ ifname: 'docker0', addr_info: [{ local: '10.77.0.1', prefixlen: 16 }] }],
      [],
      'the address 10.77.0.1/16 of the interface docker0',
    ],
    [
      'is taken by a route',
      [],
      [{ dst: '10.0.0.0/8', dev: 'tun0' }],
      'the route to 10.0.0.0/8 by the interface tun0',
    ],
    [
      'is taken by a route to nowhere',
      [],
      [{ dst: '10.77.0.0/24', type: 'blackhole' }],
      'the route to 10.77.0.0/24 blackhole',
    ],
    ['is not taken by a VPN’s halves of everything', [], [{ dst: '0.0.0.0/1', dev: 'wg0' }], undefined],
  ];
  for (const [title, addresses, routes, expected] of cases) {
    it(title, () => assert.equal(holderOf(range, bridge, addresses, routes), expected));
  }
});

describe('an address', () => {
  const lease = (address: string, id: string): Lease => ({
    address,
    id,
    range: range.text,
    directory: '/',
    up: true,
  });

  it('is the lowest free one for a new machine', () => {
    assert.equal(chooseAddress([lease('10.77.0.2', 'a'), lease('10.77.0.4', 'b')], range, 'c'), '10.77.0.3');
  });

  it('stays what it was', () => {
    assert.equal(chooseAddress([lease('10.77.0.9', 'a')], range, 'a'), '10.77.0.9');
    assert.equal(chooseAddress([], range, 'a', '10.77.0.9'), '10.77.0.9');
  });

  it('is another one if somebody else has it by now, or the range is another', () => {
    assert.equal(chooseAddress([lease('10.77.0.9', 'b')], range, 'a', '10.77.0.9'), '10.77.0.2');
    assert.equal(chooseAddress([], range, 'a', '10.78.0.9'), '10.77.0.2');
  });

  it('is refused when there is none left', () => {
    const small = parseRange('10.77.0.0/28');
    const leases = Array.from({ length: 13 }, (_, index) => lease(`10.77.0.${index + 2}`, `m${index}`));
    assert.throws(() => chooseAddress(leases, small, 'late'), { code: 'network_full' });
  });
});

describe('a firewall of the computer', () => {
  const forward = (policy: string, family = 'ip'): NftItem => ({
    chain: { family, table: 'filter', name: 'FORWARD', hook: 'forward', policy },
  });

  it('is in the way only where it drops IPv4 that is forwarded', () => {
    assert.deepEqual([forward('drop'), forward('drop', 'inet')].map(dropsForwarded), [true, true]);
    assert.deepEqual([forward('accept'), forward('drop', 'ip6'), {}].map(dropsForwarded), [
      false,
      false,
      false,
    ]);
  });

  it('is left with no rule of ours', () => {
    const rule = (comment: string, handle: number) => ({
      rule: { family: 'ip', table: 'filter', chain: 'DOCKER-USER', handle, comment },
    });
    assert.deepEqual(handlesOf(bridge, [{}, rule('other', 3), rule(bridge, 7), rule(bridge, 8)]), [7, 8]);
  });
});
