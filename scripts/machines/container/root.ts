import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { life } from './life.ts';
import { failure, type Message, reportAsMessages } from './messages.ts';
import type { LifeOptions } from './options.ts';

// The program that elevate.ts starts by sudo: {verb, options} in, messages out.

const send = (message: Message) => process.stdout.write(`${JSON.stringify(message)}\n`);
const input = createInterface({ input: process.stdin });
const [line] = (await once(input, 'line')) as [string];
const { verb, options } = JSON.parse(line) as { verb: keyof typeof life; options: LifeOptions };
// Whoever asked is gone: end as they did, our own children go with us.
const orphaned = () => process.exit(1);
input.once('close', orphaned);
try {
  await life[verb](options, reportAsMessages(send));
  send({ type: 'done' });
} catch (error) {
  send(failure(error));
}
input.off('close', orphaned);
process.stdin.destroy();
