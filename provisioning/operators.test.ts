import assert from 'node:assert/strict';
import { addressOf } from './operators.ts';

describe("an operator's address", () => {
  const cases: [from: string, address: string | null][] = [
    ['10.77.0.1', '10.77.0.1'],
    ['2001:DB8:0:0::7', '2001:db8::7'],
    ['fe80::1%host0', 'fe80::1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['', null],
    ['UNKNOWN', null],
    ['../../etc/passwd', null],
    ['10.0.0.1 }; flush ruleset', null],
    ['::1%../../x', '::1'],
  ];
  for (const [from, address] of cases) {
    it(`of ${JSON.stringify(from)} is ${address}`, () => assert.equal(addressOf(from), address));
  }
});
