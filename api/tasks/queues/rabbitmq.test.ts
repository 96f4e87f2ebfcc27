import assert from 'node:assert/strict';
import amqp from 'amqplib';
import { pino } from 'pino';
import { eventually } from '../../testing/eventually.ts';
import { hasRabbitmq, useRabbitmq } from '../../testing/rabbitmq.ts';
import { createRabbitmqQueue } from './rabbitmq.ts';

describe('RabbitMQ', function () {
  this.timeout(150_000);
  before(function () {
    if (!hasRabbitmq) this.skip();
  });

  it('is asked of a queue that is gone, and the connection stays', async () => {
    const url = (await useRabbitmq()).newVhost();
    const told: string[] = [];
    const log = pino({ level: 'warn' }, { write: (line: string) => told.push(JSON.parse(line).msg) });
    const queue = await createRabbitmqQueue({ url, log, kinds: ['here', 'gone'] });
    await eventually('the broker', () => queue.isEmpty('gone').catch(() => undefined));
    const other = await amqp.connect(url);
    await (await other.createChannel()).deleteQueue('tasks.gone');
    await assert.rejects(queue.isEmpty('gone'), /NOT_FOUND/);
    await queue.send([{ id: 1, kind: 'here' }]);
    assert.deepEqual(told, []);
    await other.close();
    await queue.close();
  });
});
