import assert from 'node:assert/strict';
import { steps } from './postman-steps.ts';

const names = (operations: string[]) => steps(operations).map(({ operation }) => operation);

describe('the steps of a collection', () => {
  it('sign up first and delete the account last, however the document orders them', () => {
    assert.deepEqual(names(['deleteSelf', 'refresh', 'listPosts', 'signIn', 'createPost', 'signUp']), [
      'signUp',
      'signIn',
      'createPost',
      'listPosts',
      'refresh',
      'deleteSelf',
    ]);
  });

  it('have what is new while somebody is signed in, and do not expect it to succeed as it stands', () => {
    const all = steps(['runTask', 'signIn', 'signOut']);
    assert.deepEqual(
      all.map(({ operation, prepared }) => [operation, prepared]),
      [
        ['signIn', true],
        ['runTask', false],
        ['signOut', true],
      ],
    );
  });

  it('leave out what is no longer documented', () => assert.deepEqual(names([]), []));
});
