import assert from 'node:assert/strict';
import { backupText } from './backup-text.ts';

describe('the status of backups', () => {
  const now = Date.parse('2026-11-21T12:00:00Z');
  const drill = { at: '2026-11-18T12:00:00Z', ok: true, id: 'x', seconds: 1 };

  it('says size and age of the newest, and of the last drill', () => {
    const newest = { id: 'x', startedAt: '2026-11-21T03:30:00Z', bytes: 37_000 };
    assert.equal(
      backupText({ newest, count: 12, bytes: 96 * 1024 ** 2, drill, warnings: [] }, now),
      '37 KiB, 9 h old, 12 in all (96 MiB); drill good, 3 days old',
    );
  });

  it('says that there is none', () => {
    assert.equal(
      backupText({ newest: null, count: 0, bytes: 0, drill: null, warnings: [] }, now),
      'none yet; no drill yet',
    );
  });
});
