import assert from 'node:assert/strict';
import { messageAbout, type RunEnd } from './notify.ts';

const run = (verb: string, outcome: RunEnd['outcome']): RunEnd => ({
  verb,
  by: 'me@laptop',
  input: { app: 'api', commit: 'a35baea' },
  outcome,
});

describe('what is posted about a run', () => {
  const cases: [what: string, run: RunEnd, text: string | undefined][] = [
    [
      'a deploy',
      run('deploy', { ok: true, value: { release: 6, changed: true } }),
      'api v6 is live (a35baea), by me@laptop',
    ],
    [
      'a deploy of what is live',
      run('deploy', { ok: true, value: { release: 6, changed: false } }),
      undefined,
    ],
    [
      'a failed deploy, by its code alone',
      run('deploy', { ok: false, code: 'release_crashes' }),
      'a deploy of api by me@laptop failed (release_crashes)',
    ],
    [
      'a rollback',
      run('rollback', { ok: true, value: { release: 5, from: 6 } }),
      'api v5 is live again, by me@laptop',
    ],
    [
      'what was taken back, whoever began it',
      run('restart', { ok: false, code: 'release_worse' }),
      'the new release of api did worse than the one before and was taken back',
    ],
    ['an apply', run('apply', { ok: true, value: {} }), undefined],
  ];
  for (const [what, end, text] of cases) it(what, () => assert.equal(messageAbout(end)?.text, text));
});
