import assert from 'node:assert/strict';
import { bridgeOf, gatewayOf, machineAddresses, overlaps, parseRange, readRange } from './range.ts';

describe('a range', () => {
  it('gives the computer its first address and machines the rest', () => {
    const range = parseRange('10.77.0.0/24');
    const addresses = [...machineAddresses(range)];
    assert.equal(gatewayOf(range), '10.77.0.1');
    assert.deepEqual([addresses[0], addresses.at(-1), addresses.length], ['10.77.0.2', '10.77.0.254', 253]);
  });

  it('names its bridge in the 15 characters that the kernel takes', () => {
    assert.equal(bridgeOf(parseRange('10.77.0.0/24')), 'berth-0a4d0000');
    assert.equal(bridgeOf(parseRange('192.168.255.240/28')), 'berth-c0a8fff0');
  });

  for (const bad of [
    '10.77.0.1/24',
    '10.77.0.0',
    '10.77.0.0/30',
    '10.0.0.0/8',
    '10.77.0.256/24',
    'fd00::/64',
    '',
  ]) {
    it(`refuses ${JSON.stringify(bad)}`, () => {
      assert.throws(() => parseRange(bad), { code: 'network_invalid' });
    });
  }

  const pairs: [string, string, boolean][] = [
    ['10.77.0.0/24', '10.77.0.9', true],
    ['10.77.0.0/24', '10.77.0.128/25', true],
    ['10.77.0.0/24', '10.0.0.0/8', true],
    ['10.77.0.0/24', '10.77.1.0/24', false],
    ['192.168.0.0/16', '192.169.0.0/24', false],
    ['200.0.0.0/24', '200.0.0.77/32', true],
  ];
  for (const [a, b, expected] of pairs) {
    it(`${expected ? 'overlaps' : 'keeps clear'}: ${a} and ${b}`, () => {
      const [left, right] = [readRange(a), readRange(b)];
      assert(left && right);
      assert.deepEqual([overlaps(left, right), overlaps(right, left)], [expected, expected]);
    });
  }
});
