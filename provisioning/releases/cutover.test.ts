import assert from 'node:assert/strict';
import { countConnections } from './cutover.ts';

/** /proc/net/unix of a machine: a listening socket (01), one that waits to be accepted (02), connected ones (03). */
const table = `Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 1101 /run/api/sockets/4.sock
0000000000000000: 00000003 00000000 00000000 0001 03 1102 /run/api/sockets/4.sock
0000000000000000: 00000002 00000000 00000000 0001 02 1103 /run/api/sockets/4.sock
0000000000000000: 00000003 00000000 00000000 0001 03 1104
0000000000000000: 00000002 00000000 00010000 0001 01 1105 /run/api/sockets/14.sock
0000000000000000: 00000003 00000000 00000000 0001 03 1106 /run/api/sockets/14.sock
`;

describe('the connections that a release still has', () => {
  it('are those that it has accepted and those that wait for it', () => {
    assert.equal(countConnections(table, '/run/api/sockets/4.sock'), 2);
    assert.equal(countConnections(table, '/run/api/sockets/14.sock'), 1);
    assert.equal(countConnections(table, '/run/api/sockets/5.sock'), 0);
  });
});
