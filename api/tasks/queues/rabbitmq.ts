import { setTimeout as after } from 'node:timers/promises';
import amqp, { type Channel, type ChannelModel, type ConfirmChannel, type ConsumeMessage } from 'amqplib';
import { DELAYS_MS, type DelayMs, type Message, type Queue, type QueueOptions, type Take } from '../queue.ts';

/** Where a kind's messages come from: routed by the kind's name. */
const EXCHANGE = 'tasks';
const PARKED = 'tasks.parked';

/** Copies for operators: the rows tell of those that no longer fit. */
const MAX_PARKED = 10_000;

/** A broker that does not answer is as good as gone: the row stays unsent, and is sent later. */
const CONFIRM_MS = 10_000;

/** How long it is waited for a goodbye. */
const ANSWER_MS = 1_000;

const QUORUM = { 'x-queue-type': 'quorum' };

/** How long a message waits that could not be taken. */
const REFUSED_MS = DELAYS_MS[1];

export interface RabbitmqQueueOptions extends QueueOptions {
  /** `amqp://user:password@host:port/vhost` */
  url: string;
}

/**
 * RabbitMQ: a quorum queue for each kind, and one for each delay, whose messages go back to their kind's when it has
 * passed. One connection, made anew as often as it breaks; until then what is sent is refused, and stays in its row.
 */
export async function createRabbitmqQueue({ url, kinds, log }: RabbitmqQueueOptions): Promise<Queue> {
  const work: [kind: string, concurrency: number, take: Take][] = [];
  let link: Link | undefined;
  let blocked: string | undefined;

  const connection = await amqp.connect(url, {
    timeout: 5_000,
    clientProperties: { connection_name: 'api' },
    recovery: { initialDelay: 100, maxDelay: 2_000, waitForConnect: false, setup: setUp },
  });
  connection.on('disconnect', ({ message }) => {
    link = undefined;
    blocked = undefined;
    log.warn({ reason: message }, 'the broker is gone');
  });
  connection.on('connect-failed', ({ message }) =>
    log.warn({ reason: message }, 'the broker does not answer'),
  );
  connection.on('connect', () => log.info('connected to the broker'));
  connection.on('error', () => {});
  connection.on('blocked', (reason: string) => {
    blocked = reason;
    log.warn({ reason }, 'the broker takes nothing');
  });
  connection.on('unblocked', () => {
    blocked = undefined;
    log.info('the broker takes messages again');
  });

  async function setUp(model: ChannelModel): Promise<void> {
    // Until it is set up nobody else listens, and an error that nobody hears ends the process.
    model.on('error', () => {});
    const channel = await model.createConfirmChannel();
    channel.on('error', ({ message }) => log.warn({ reason: message }, 'queue'));
    // A channel's failure is told on the channel alone: a new connection makes all anew.
    channel.once('close', () => model.close().catch(() => {}));
    await declare(channel, kinds);
    link = new Link(model, channel);
    for (const entry of work) await consume(link, ...entry);
  }

  function current(): Link {
    if (!link) throw new Error('the broker is not connected');
    if (blocked !== undefined) throw new Error(`the broker takes nothing: ${blocked}`);
    return link;
  }

  return {
    name: 'rabbitmq',
    place: 'rabbitmq',
    async send(messages, delayMs) {
      const { channel } = current();
      await confirmed(channel, messages, delayMs === undefined ? EXCHANGE : waitingRoom(delayMs));
    },
    async park(message) {
      const { channel } = current();
      await confirmed(channel, [message], PARKED);
    },
    unpark: async ({ id }) =>
      // Those that were looked at go back with the channel.
      withChannel(current().model, async (channel) => {
        for (let seen = 0; seen < MAX_PARKED; seen++) {
          const message = await channel.get(PARKED);
          if (!message) break;
          if (idOf(message) !== id) continue;
          channel.ack(message);
          break;
        }
      }),
    async work(...entry) {
      work.push(entry);
      if (link) await consume(link, ...entry);
    },
    isEmpty: async (kind) =>
      withChannel(current().model, async (channel) => {
        const names = [queueOf(kind), ...DELAYS_MS.map(waitingRoom)];
        const counts = await Promise.all(names.map((name) => channel.checkQueue(name)));
        return counts.every(({ messageCount }) => messageCount === 0);
      }),
    async rest() {
      work.length = 0;
      await soon(link?.rest());
    },
    close: () => soon(connection.close()),
  };
}

/** What lives as long as one connection. */
class Link {
  readonly model: ChannelModel;
  readonly channel: ConfirmChannel;
  readonly consumers: { channel: ConfirmChannel; tag: string }[] = [];
  resting = false;

  constructor(model: ChannelModel, channel: ConfirmChannel) {
    this.model = model;
    this.channel = channel;
  }

  async rest(): Promise<void> {
    this.resting = true;
    await Promise.all(this.consumers.map(({ channel, tag }) => channel.cancel(tag)));
  }
}

const queueOf = (kind: string) => `tasks.${kind}`;
const waitingRoom = (delayMs: DelayMs) => `tasks.in-${delayMs / 1000}s`;

/** Makes what is not there yet; what is there must be the same. */
async function declare(channel: ConfirmChannel, kinds: string[]): Promise<void> {
  await channel.assertExchange(EXCHANGE, 'direct', { durable: true });
  for (const delayMs of DELAYS_MS) {
    const name = waitingRoom(delayMs);
    // A fanout keeps the routing key, by which the message finds back to its kind.
    await channel.assertExchange(name, 'fanout', { durable: true });
    await assertQueue(channel, name, { 'x-message-ttl': delayMs, ...deadLetters(EXCHANGE) });
    await channel.bindQueue(name, name, '');
  }
  await channel.assertExchange(PARKED, 'fanout', { durable: true });
  await assertQueue(channel, PARKED, { 'x-max-length': MAX_PARKED });
  await channel.bindQueue(PARKED, PARKED, '');
  for (const kind of kinds) {
    await assertQueue(channel, queueOf(kind), deadLetters(waitingRoom(REFUSED_MS)));
    await channel.bindQueue(queueOf(kind), EXCHANGE, kind);
  }
}

/** To where a refused or expired message goes; it leaves its queue when it has arrived there. */
function deadLetters(exchange: string) {
  return {
    'x-dead-letter-exchange': exchange,
    'x-dead-letter-strategy': 'at-least-once',
    'x-overflow': 'reject-publish',
  };
}

async function assertQueue(channel: ConfirmChannel, name: string, settings: object): Promise<void> {
  await channel.assertQueue(name, { durable: true, arguments: { ...QUORUM, ...settings } });
}

/** For questions: the broker closes the channel of one that it does not answer. */
async function withChannel<T>(model: ChannelModel, ask: (channel: Channel) => Promise<T>): Promise<T> {
  const channel = await model.createChannel();
  // The question fails, too; an error that nobody hears would end the connection.
  channel.on('error', () => {});
  try {
    return await ask(channel);
  } finally {
    await channel.close().catch(() => {});
  }
}

/** Each kind has a channel of its own, so that each has its own number of messages at once. */
async function consume(link: Link, kind: string, concurrency: number, take: Take): Promise<void> {
  const channel = await link.model.createConfirmChannel();
  channel.on('error', () => {});
  channel.once('close', () => link.model.close().catch(() => {}));
  await channel.prefetch(concurrency);
  const { consumerTag } = await channel.consume(queueOf(kind), async (message) => {
    // The queue was deleted.
    if (!message) return void channel.close().catch(() => {});
    // It goes back with the connection.
    if (link.resting) return;
    const accepted = await take({ id: idOf(message), kind }).then(
      () => true,
      () => false,
    );
    try {
      if (accepted) channel.ack(message);
      else channel.nack(message, false, false);
    } catch {
      // The channel has closed meanwhile, and the broker gives the message again.
    }
  });
  link.consumers.push({ channel, tag: consumerTag });
}

/** Publishes them and waits until the broker has them on its disk. */
async function confirmed(channel: ConfirmChannel, messages: Message[], exchange: string): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error('the broker confirms nothing')), CONFIRM_MS);
  const confirms = messages.map(
    ({ id, kind }) =>
      new Promise<void>((resolve, reject) => {
        const content = Buffer.from(String(id));
        channel.publish(exchange, kind, content, { persistent: true }, (error) =>
          error ? reject(error) : resolve(),
        );
      }),
  );
  try {
    await Promise.race([Promise.all(confirms), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** What a broker that hangs, or takes nothing, does not answer is done with after a while. */
async function soon(answer: Promise<unknown> | undefined): Promise<void> {
  await Promise.race([answer, after(ANSWER_MS, undefined, { ref: false })]);
}

function idOf({ content }: Pick<ConsumeMessage, 'content'>): number {
  return Number(content.toString());
}
