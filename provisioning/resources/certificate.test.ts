import assert from 'node:assert/strict';
import { serverCertificate } from './certificate.ts';

describe('what tells of a hand', () => {
  it('is not a certificate whose time has come, but one that is gone', () => {
    const due = { do: 'certificate', path: '/c', action: 'change' } as const;
    const request = { kind: 'server', names: ['a'], days: 1, authority: '/a' } as const;
    const byHand = (reason: string) =>
      serverCertificate('/c', '/a', ['a']).byHand?.([
        { ...due, request: { ...request, names: ['a'] }, reason },
      ]);
    assert.deepEqual(byHand('it ends Nov 21 2026'), []);
    assert.equal(byHand('there is none')?.length, 1);
  });
});
