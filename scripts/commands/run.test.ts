import assert from 'node:assert/strict';
import { oneOff } from './run.ts';

describe('a one-off command', () => {
  const sandbox = '# comment\n[Service]\nPrivateTmp=yes\nCapabilityBoundingSet=\n';

  it('runs as the application, in its sandbox', () => {
    const argv = oneOff('api', ['true'], { terminal: false, sandbox });
    for (const property of ['User=api', 'PrivateTmp=yes', 'CapabilityBoundingSet=']) {
      assert.ok(argv.includes(`--property=${property}`), property);
    }
    assert.ok(argv.includes('--pipe') && !argv.some((word) => word.includes('[Service]')));
  });

  it('hides every dollar sign from systemd, which would put values in its place', () => {
    const argv = oneOff('api', ['echo', '$HOME', '$$'], { terminal: true, sandbox });
    assert.deepEqual(argv.slice(-3), ['echo', '$$HOME', '$$$$']);
    assert.ok(argv.includes('--pty'));
  });
});
