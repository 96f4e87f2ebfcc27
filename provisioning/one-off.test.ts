import assert from 'node:assert/strict';
import { oneOff } from './one-off.ts';

describe('a one-off command', () => {
  it('runs as the application, in its sandbox', () => {
    const argv = oneOff('api', ['true'], { terminal: false });
    for (const property of ['User=api', 'PrivateTmp=yes', 'CapabilityBoundingSet=']) {
      assert.ok(argv.includes(`--property=${property}`), property);
    }
    assert.ok(argv.includes('--pipe') && !argv.some((word) => word.includes('[Service]')));
    assert.ok(!argv.some((word) => word.includes('RuntimeMaxSec')));
    assert.ok(
      oneOff('api', ['true'], { terminal: false, withinSeconds: 60 }).includes('--property=RuntimeMaxSec=60'),
    );
  });

  it('hides every dollar sign from systemd, which would put values in its place', () => {
    const argv = oneOff('api', ['echo', '$HOME', '$$'], { terminal: true });
    assert.deepEqual(argv.slice(-3), ['echo', '$$HOME', '$$$$']);
    assert.ok(argv.includes('--pty'));
  });
});
