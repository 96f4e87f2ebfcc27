import assert from 'node:assert/strict';
import type { DriftStatus } from '../provisioning/drift.ts';
import { driftText } from './drift-text.ts';

describe('what status says of drift', () => {
  const since = '2026-11-21T12:00:00.000Z';
  const now = Date.parse('2026-11-21T15:00:00Z');
  const rows: [status: DriftStatus, said: string][] = [
    [{ state: 'unknown', since: null, at: null, resources: [] }, 'unknown, there was no apply yet'],
    [
      { state: 'unfinished', since, at: null, resources: [] },
      'unknown, what began at 2026-11-21 12:00:00 has not ended well',
    ],
    [
      { state: 'none', since, at: '2026-11-21T14:55:00Z', resources: [] },
      'none since 2026-11-21 12:00:00, looked 5 min ago',
    ],
    [
      { state: 'found', since, at: '2026-11-21T12:30:00Z', resources: ['file /a', 'hostname'] },
      '2 resources since 2026-11-21 12:00:00, looked 3 h ago: file /a, hostname',
    ],
  ];
  for (const [status, said] of rows) {
    it(said, () => assert.equal(driftText(status, now), said));
  }
});
