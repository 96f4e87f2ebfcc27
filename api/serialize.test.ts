import assert from 'node:assert/strict';
import Joi from 'joi';
import { serializer } from './serialize.ts';

describe('a serializer', () => {
  const write = serializer(
    Joi.array().items(
      Joi.object({
        id: Joi.number().integer().required(),
        at: Joi.date().iso().required(),
        text: Joi.string().required(),
        dir: Joi.number().integer().valid(0, 1).required(),
        note: Joi.string(),
        owner: Joi.object({ name: Joi.string().required() }).required(),
      }),
    ),
  );
  const row = { id: 7, at: new Date(0), text: 'a "b"\n\u2028\ud800 😀', dir: 1, owner: { name: 'ada' } };

  it('writes what JSON.stringify writes', () => {
    for (const rows of [[], [row], [row, { ...row, note: '' }]]) {
      assert.deepEqual(JSON.parse(write(rows)), JSON.parse(JSON.stringify(rows)));
    }
  });

  it('writes no key that the shape does not name, however deep', () => {
    const careless = { ...row, password_hash: 'secret', owner: { name: 'ada', email: 'secret' } };
    assert.equal(write([careless]), write([row]));
  });

  it('refuses what lacks a key of the shape', () => {
    assert.throws(() => write([{ ...row, owner: {} }]), /name/);
  });
});
