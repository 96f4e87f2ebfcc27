import assert from 'node:assert/strict';
import { summarize } from '../change.ts';
import { pages } from './pages.ts';

describe('the pages that nginx serves', () => {
  const copy =
    'run cp --recursive --no-target-directory --no-preserve=all -- /opt/berth/web/new /var/www/berth/new';
  const link = 'link /var/www/berth/pages → new';
  const cases: [what: string, state: Parameters<ReturnType<typeof pages>['plan']>[0], changes: string[]][] = [
    ['are left alone as they are', { copy: 'same', target: 'new' }, []],
    ['come to a machine without any', { copy: 'none', target: null }, [copy, link]],
    ['are there before anything leads to them', { copy: 'none', target: 'old' }, [copy, link]],
    ['are led to', { copy: 'same', target: 'old' }, [link]],
    [
      'are copied anew where they differ',
      { copy: 'other', target: 'new' },
      ['run rm -r -- /var/www/berth/new', copy],
    ],
  ];
  for (const [what, state, changes] of cases)
    it(what, () => assert.deepEqual(pages('new').plan(state).map(summarize), changes));
});
