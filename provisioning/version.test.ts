import assert from 'node:assert/strict';
import { isOlder } from './version.ts';

describe('a version', () => {
  const rows: [version: string, than: string, older: boolean][] = [
    ['0.1.0', '0.1.0', false],
    ['0.1.0', '0.1.1', true],
    ['0.9.0', '0.10.0', true],
    ['0.10.0', '0.9.9', false],
    ['1.0.0', '0.9.9', false],
    ['0.1.0', '1.0.0-rc.1', true],
  ];
  for (const [version, than, older] of rows) {
    it(`${version} is ${older ? '' : 'not '}older than ${than}`, () => {
      assert.equal(isOlder(version, than), older);
    });
  }
});
