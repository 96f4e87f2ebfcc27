import assert from 'node:assert/strict';
import { rootFile } from '../../test/resource-rows.ts';
import { makeKey } from '../keys.ts';
import { environment } from './environment.ts';

describe('the environment of an application', () => {
  const resource = environment({ name: 'api', values: { A: '1' }, secrets: { JWT_KEYS: makeKey } });
  const stat = { ...rootFile, mode: 0o640, group: 'api' };
  const made = { fresh: { JWT_KEYS: 'id:fresh' }, config: {} };

  it('makes its secrets where there are none, and never shows them', () => {
    const [change] = resource.plan({ stat: null, content: null, ...made });
    assert.ok(change?.do === 'write' && change.secret);
    assert.equal(change.content, 'A="1"\nJWT_KEYS="id:fresh"\n');
    assert.equal(change.note, 'A added, JWT_KEYS added');
  });

  it('keeps the secrets that are there', () => {
    const [change] = resource.plan({ stat, content: 'A="0"\nJWT_KEYS="id:old"\n', ...made });
    assert.ok(change?.do === 'write');
    assert.equal(change.content, 'A="1"\nJWT_KEYS="id:old"\n');
    assert.equal(change.note, 'A changed');
  });

  it('takes what berth config has set, but for what the hosts file sets', () => {
    const state = { stat, content: 'A="1"\nJWT_KEYS="id:old"\n', ...made, config: { A: '2', B: '3' } };
    const [change] = resource.plan(state);
    assert.ok(change?.do === 'write');
    assert.equal(change.content, 'A="1"\nB="3"\nJWT_KEYS="id:old"\n');
    assert.match(String(resource.notices?.(state)), /^A of api .*berth config unset A/);
  });

  it('changes nothing where all is as it shall be', () => {
    assert.deepEqual(resource.plan({ stat, content: 'A="1"\nJWT_KEYS="id:old"\n', ...made }), []);
  });
});
