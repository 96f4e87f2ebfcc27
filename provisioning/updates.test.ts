import assert from 'node:assert/strict';
import { parseRestarts, parseUpdates, parseWaiting } from './updates.ts';

describe('the updates that wait', () => {
  it('are what apt would bring in, each with where it comes from', () => {
    const said = `Reading package lists...
The following packages will be upgraded:
  libssl3 postgresql-15 tzdata
Inst tzdata [2025a-0+deb12u1] (2025b-0+deb12u2 Debian:12.11/oldstable, Debian:12-updates/oldstable-updates [all])
Inst libssl3 [3.0.16-1~deb12u1] (3.0.17-1~deb12u2 Debian-Security:12/oldstable-security [amd64])
Inst postgresql-15 [15.12-0+deb12u2] (15.14-0+deb12u1 Debian-Security:12/oldstable-security [amd64]) []
Inst linux-image-6.1.0-41-amd64 (6.1.158-1 Debian:12.12/oldstable, Debian-Security:12/oldstable-security [amd64])
Conf tzdata (2025b-0+deb12u2 Debian:12.11/oldstable [all])
`;
    assert.deepEqual(
      parseUpdates(said).map(({ name, from, to, security }) => [name, from, to, security]),
      [
        ['tzdata', '2025a-0+deb12u1', '2025b-0+deb12u2', false],
        ['libssl3', '3.0.16-1~deb12u1', '3.0.17-1~deb12u2', true],
        ['postgresql-15', '15.12-0+deb12u2', '15.14-0+deb12u1', true],
        ['linux-image-6.1.0-41-amd64', null, '6.1.158-1', true],
      ],
    );
    const sorted = parseWaiting(said);
    assert.deepEqual(
      [sorted.security, sorted.postgresql, sorted.others].map((those) => those.map(({ name }) => name)),
      [['libssl3', 'linux-image-6.1.0-41-amd64'], ['postgresql-15'], ['tzdata']],
    );
    assert.deepEqual(parseUpdates('0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n'), []);
  });

  it('leave services to be restarted, as needrestart names them', () => {
    const said =
      'NEEDRESTART-VER: 3.6\nNEEDRESTART-SVC: postgresql@15-main.service\nNEEDRESTART-SVC: nginx.service\n';
    assert.deepEqual(parseRestarts(said), ['nginx.service', 'postgresql@15-main.service']);
  });
});
