import assert from 'node:assert/strict';
import { brokerFiles, watermarkMiB } from './conf.ts';

describe('the settings of RabbitMQ', () => {
  it('give it an eighth of the memory, and never less than it needs to run', () => {
    const sizes = [900, 2048, 4096, 16_384, 262_144];
    assert.deepEqual(sizes.map(watermarkMiB), [256, 256, 512, 2048, 2048]);
  });

  it('have it listen on loopback alone, under a name of its own, without plugins', () => {
    const files = brokerFiles(4096);
    const conf = files['/etc/rabbitmq/rabbitmq.conf'] ?? '';
    assert.match(conf, /^listeners\.tcp\.local = 127\.0\.0\.1:5672$/m);
    assert.match(conf, /^vm_memory_high_watermark\.absolute = 512MiB$/m);
    assert.match(conf, /^raft\.wal_max_size_bytes = 134217728$/m);
    assert.match(files['/etc/rabbitmq/rabbitmq-env.conf'] ?? '', /^NODENAME=rabbit@localhost$/m);
    assert.equal(files['/etc/rabbitmq/no_plugins'], '[].\n');
  });
});
