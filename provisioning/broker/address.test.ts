import assert from 'node:assert/strict';
import { makeRandom } from '../keys.ts';
import { accountOf, queueUrl } from './address.ts';

describe('the account of a QUEUE_URL', () => {
  it('is the application’s own, in its own vhost', () => {
    const password = makeRandom();
    assert.deepEqual(accountOf('api', queueUrl('api', password)), { app: 'api', password });
  });

  const others = [
    ...['', 'amqp://', 'amqp://api:secret@127.0.0.1:5672', 'amqp://api:secret@127.0.0.1:5672/'],
    ...['amqp://blog:secret@127.0.0.1:5672/blog', 'amqp://api:secret@127.0.0.1:5672/blog'],
    ...['amqp://api:secret@10.0.0.1:5672/api', 'amqps://api:secret@127.0.0.1:5672/api'],
    ...['amqp://api:a@127.0.0.1:5672/blog@127.0.0.1:5672/api', 'amqp://api:@127.0.0.1:5672/api'],
  ];
  for (const url of others) {
    it(`is none with ${JSON.stringify(url)}`, () => assert.equal(accountOf('api', url), null));
  }

  it('is none without one', () => assert.equal(accountOf('api', undefined), null));
});
