import type { QuickStart } from './quickstart.ts';

/** What a release of a publisher finds at its start: `start` ends it there, with `answers` it is healthy and fails. */
export const broken = '/opt/broken';

/** An application that puts work into RabbitMQ and says how much of it waits; its Procfile answers `berth queue`. */
export function publisher(name: string, { asked }: { asked: boolean }): QuickStart {
  return {
    packages: ['amqplib'],
    development: [],
    files: {
      Procfile: `web: node server.mjs\n${asked ? 'queue: MODE=asked node queue.mjs\n' : ''}`,
      'package.json': JSON.stringify({ name, version: '1.0.0', private: true }),
      'broker.mjs': broker,
      'server.mjs': server,
      'queue.mjs': queue,
    },
  };
}

const broker = `import amqp from 'amqplib';

export async function withQueue(act) {
  const connection = await amqp.connect(process.env.QUEUE_URL, { timeout: 5000 });
  connection.on('error', () => {});
  try {
    const channel = await connection.createConfirmChannel();
    channel.on('error', () => {});
    const { messageCount } = await channel.assertQueue('work', { durable: true });
    return await act(channel, messageCount);
  } finally {
    await connection.close().catch(() => {});
  }
}

export const depth = () => withQueue((_channel, count) => count);

export const publish = () =>
  withQueue(async (channel) => {
    channel.sendToQueue('work', Buffer.from('work'), { persistent: true });
    await channel.waitForConfirms();
  });
`;

const server = `import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { depth, publish } from './broker.mjs';

const broken = existsSync('${broken}') ? readFileSync('${broken}', 'utf8') : '';
if (broken === 'start') process.exit(1);

createServer(async (request, response) => {
  const { CRON: cron = null, QUEUE_URL: url = null, RELEASE: release } = process.env;
  response.setHeader('X-Release', release);
  try {
    if (broken === 'answers' && request.url.endsWith('/any')) throw new Error('broken');
    if (!['GET', 'POST'].includes(request.method)) response.statusCode = 405;
    if (request.method === 'POST') await publish();
    const waiting = request.url.endsWith('/depth') ? await depth() : null;
    response.end(JSON.stringify({ waiting, cron, url: url !== null, release }));
  } catch (error) {
    response.statusCode = 503;
    response.end(JSON.stringify({ error: error.message }));
  }
}).listen(process.env.PORT);
`;

const queue = `import { depth } from './broker.mjs';

const [action, id] = process.argv.slice(2);
if (action === 'list') {
  const waiting = await depth().catch(() => null);
  console.log(
    JSON.stringify({
      queue: 'rabbitmq',
      connected: waiting !== null,
      unsent: 0,
      kinds: [
        { kind: 'work', waiting: waiting ?? 0, running: 0, retrying: 0, oldest_seconds: null, known: true },
      ],
      held: [],
      parked: [
        { id: 9, kind: 'work', attempts: 5, error: 'no disk', failed_at: '2026-11-21T09:47:18.000Z' },
      ],
      warnings: [],
    }),
  );
} else if (id === '9') {
  console.log(\`task 9: \${action}, \${process.env.MODE} in \${process.env.RELEASE}\`);
} else {
  console.error(\`there is no task \${id}\`);
  process.exitCode = 3;
}
`;
