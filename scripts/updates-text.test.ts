import assert from 'node:assert/strict';
import { updatesText } from './updates-text.ts';

const none = {
  at: '2026-01-01T00:00:00Z',
  security: [],
  postgresql: [],
  others: 3,
  restarts: [],
  rebootRequired: false,
};
const update = (name: string, to: string) => ({ name, from: '1', to, security: true });

describe('the line about updates', () => {
  it('names what waits, and how to bring in what does not come by itself', () => {
    assert.equal(updatesText(null), 'not known yet');
    assert.equal(updatesText(none), 'none wait');
    const postgresql = [update('postgresql-client-17', '17.7'), update('postgresql-17', '17.7')];
    assert.equal(
      updatesText({ ...none, security: [update('libssl3', '2')], postgresql, rebootRequired: true }),
      '1 security update waits (libssl3); PostgreSQL 17.7, by hand: apt-get install --only-upgrade postgresql-17; a reboot is needed',
    );
    assert.equal(updatesText({ ...none, restarts: ['nginx.service'] }), 'to be started anew: nginx.service');
  });
});
