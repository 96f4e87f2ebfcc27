import assert from 'node:assert/strict';
import type { QueueView } from '../provisioning/queue-view.ts';
import { queueText } from './queue-text.ts';

const idle: QueueView = {
  ...{ queue: 'postgres', connected: true, unsent: 0, kinds: [], held: [], parked: [], warnings: [] },
};

describe('what berth queue shows', () => {
  it('says so where no tasks wait or run, whatever was given up', () => {
    assert.equal(queueText(idle), 'tasks wait in PostgreSQL, connected\nno tasks wait or run\n');
    const parked = [
      { id: 9, kind: 'digest', attempts: 5, failed_at: '2026-11-21T09:47:18.123Z', error: null },
    ];
    assert.match(queueText({ ...idle, parked }), /\nno tasks wait or run\n\nPARKED /);
  });

  it('is depth and age of each kind, the tasks that are held and those that were given up', () => {
    const view: QueueView = {
      ...{ queue: 'rabbitmq', connected: false, unsent: 2 },
      kinds: [
        { kind: 'digest', waiting: 3, running: 1, retrying: 0, oldest_seconds: 12, known: true },
        { kind: 'mystery', waiting: 1, running: 0, retrying: 0, oldest_seconds: 7200, known: false },
        { kind: 'export_posts', waiting: 2, running: 0, retrying: 1, oldest_seconds: 60, known: true },
        { kind: 'thumbnail', waiting: 0, running: 1, retrying: 0, oldest_seconds: null, known: true },
      ],
      held: [{ id: 7, kind: 'digest', status: 'running', attempts: 2, age_seconds: 30, error: null }],
      parked: [
        {
          ...{ id: 9, kind: 'export_posts', attempts: 5, failed_at: '2026-11-21T09:47:18.123Z' },
          error: 'the disk\nis \x1b[31mfull',
        },
      ],
      warnings: ['RabbitMQ does not run'],
    };
    assert.equal(
      queueText(view),
      [
        'tasks wait in RabbitMQ, not connected, 2 accepted and not handed over yet',
        '! RabbitMQ does not run',
        '',
        'KIND                               WAITING  RUNNING  RETRYING  OLDEST',
        'digest                             3        1        0         12s',
        'mystery (unknown to this release)  1        0        0         2h',
        'export_posts                       2        0        1         1m',
        'thumbnail                          0        1        0         -',
        '',
        'TASK  KIND    STATE    ATTEMPTS  AGE  ERROR',
        '7     digest  running  2         30s  -',
        '',
        'PARKED  KIND          ATTEMPTS  FAILED AT            ERROR',
        '9       export_posts  5         2026-11-21 09:47:18  the disk is \\u001b[31mfull',
        '',
      ].join('\n'),
    );
  });
});
