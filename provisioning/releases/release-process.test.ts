import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { releaseProcess } from './release-process.ts';

describe('the release process', () => {
  const run = (database: 'local' | 'url', command: string, env = {}) =>
    execFileSync('/bin/sh', ['-euc', releaseProcess({ database }, command)], {
      env: { PATH: process.env.PATH, ...env },
      encoding: 'utf8',
    }).trim();
  const cases: [what: string, said: string, expected: string | RegExp][] = [
    [
      'limits what its statements wait for',
      run('local', 'printenv PGOPTIONS'),
      /^-c lock_timeout=.* -c statement_/,
    ],
    [
      'takes the limits of the application',
      run('local', 'printenv PGOPTIONS', { PGOPTIONS: '-c x=1' }),
      '-c x=1',
    ],
    ['says nothing to a server elsewhere', run('url', 'printenv PGOPTIONS || echo none'), 'none'],
    ['runs what only a shell understands', run('local', 'true && WHO=me sh -c "echo \\$WHO"'), 'me'],
  ];
  for (const [what, said, expected] of cases) it(what, () => assert.match(said, new RegExp(expected)));
});
