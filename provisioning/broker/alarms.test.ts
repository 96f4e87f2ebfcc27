import assert from 'node:assert/strict';
import { alarmTexts } from './alarms.ts';

describe('alarms of RabbitMQ', () => {
  it('are each said with what they mean', () => {
    const texts = (said: string) => alarmTexts(said).map((text) => text.split(' ').slice(0, 6).join(' '));
    assert.deepEqual(texts('[]\n'), []);
    assert.deepEqual(texts('[{{resource_limit,disk,rabbit@localhost},[]}]\n'), [
      'RabbitMQ has less than 512 MiB',
    ]);
    assert.deepEqual(texts('[file_descriptor_limit,\n {{resource_limit,memory,rabbit@localhost},[]}]\n'), [
      'RabbitMQ has more than its share',
      'RabbitMQ has no file descriptors left,',
    ]);
  });
});
