import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { brokerHost, brokerPort } from './address.ts';

/** `away`: nothing that speaks AMQP answers there. */
export type LoginResult = 'let in' | 'refused' | 'away';

export type Login = { user: string; password: string; vhost: string };

type Method = { method: number; body: Buffer };

const header = Buffer.from('AMQP\0\0\x09\x01', 'latin1');
const connection = 10;
const methods = {
  start: 10,
  startOk: 11,
  tune: 30,
  tuneOk: 31,
  open: 40,
  openOk: 41,
  close: 50,
  closeOk: 51,
};
const methodFrame = 1;
const frameEnd = 0xce;
const timeoutMs = 5000;

/**
 * Logs in to a vhost of the machine's RabbitMQ and out again: the opening of a connection in AMQP 0-9-1 (section 2.2.4
 * of its specification). It takes milliseconds, where `rabbitmqctl authenticate_user` starts a virtual machine first.
 */
export async function logIn(login: Login, port = brokerPort): Promise<LoginResult> {
  const socket = connect({ host: brokerHost, port });
  // What happens to it after its beginning ends `read`.
  socket.on('error', () => {});
  socket.setTimeout(timeoutMs, () => socket.destroy());
  try {
    await once(socket, 'connect');
    return await converse(socket, login);
  } catch {
    return 'away';
  } finally {
    socket.destroy();
  }
}

async function converse(socket: Socket, { user, password, vhost }: Login): Promise<LoginResult> {
  const said = read(socket);
  const next = async () => (await said.next()).value?.method ?? null;
  socket.write(header);
  if ((await next()) !== methods.start) return 'away';
  socket.write(
    frame(methods.startOk, capabilities, short('PLAIN'), long(`\0${user}\0${password}`), short('en_US')),
  );
  const tune = (await said.next()).value;
  if (tune?.method !== methods.tune) return tune?.method === methods.close ? 'refused' : 'away';
  socket.write(frame(methods.tuneOk, tune.body));
  socket.write(frame(methods.open, short(vhost), short(''), Buffer.from([0])));
  const answer = await next();
  socket.write(frame(methods.close, Buffer.from([0, 200]), short(''), Buffer.alloc(4)));
  await next();
  if (answer === methods.openOk) return 'let in';
  return answer === methods.close ? 'refused' : 'away';
}

/** The methods that the broker says, until it closes. */
async function* read(socket: Socket): AsyncGenerator<Method, undefined> {
  let rest = Buffer.alloc(0);
  for await (const chunk of socket) {
    rest = Buffer.concat([rest, chunk as Buffer]);
    if (rest[0] !== methodFrame) return undefined;
    for (let size = frameSize(rest); rest.length >= size; size = frameSize(rest)) {
      const payload = rest.subarray(7, size - 1);
      yield { method: payload.readUInt16BE(2), body: payload.subarray(4) };
      rest = rest.subarray(size);
    }
  }
  return undefined;
}

/** Type, channel, the payload's length; the payload; an end. */
function frameSize(bytes: Buffer): number {
  return bytes.length < 7 ? Number.POSITIVE_INFINITY : bytes.readUInt32BE(3) + 8;
}

function frame(method: number, ...fields: Buffer[]): Buffer {
  const payload = Buffer.concat([Buffer.from([0, connection, 0, method]), ...fields]);
  return Buffer.concat([Buffer.from([methodFrame, 0, 0]), length(payload), payload, Buffer.from([frameEnd])]);
}

function length(bytes: Buffer): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(bytes.length);
  return size;
}

function short(text: string): Buffer {
  return Buffer.from(`${String.fromCharCode(Buffer.byteLength(text))}${text}`, 'latin1');
}

function long(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([length(bytes), bytes]);
}

/** Told of a refusal, instead of a connection that breaks as it does when the broker ends. */
const refusal = Buffer.concat([short('authentication_failure_close'), Buffer.from('t\x01', 'latin1')]);
const entry = Buffer.concat([short('capabilities'), Buffer.from('F'), length(refusal), refusal]);
const capabilities = Buffer.concat([length(entry), entry]);
