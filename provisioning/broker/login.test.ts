import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { logIn } from './login.ts';

const login = { user: 'api', password: 'secret', vhost: 'api' };

/** Methods of AMQP 0-9-1's connection class, each as the frame that carries it. */
const frame = (method: number, body = '') => {
  const payload = Buffer.from(`000a${method.toString(16).padStart(4, '0')}${body}`, 'hex');
  const head = Buffer.alloc(7);
  head.writeUInt8(1);
  head.writeUInt32BE(payload.length, 3);
  return Buffer.concat([head, payload, Buffer.from([0xce])]);
};
const start = frame(10, `0009${'00000000'}00000005${Buffer.from('PLAIN').toString('hex')}00000005656e5f5553`);
const tune = frame(30, '07ff00020000003c');
const [openOk, close, closeOk] = [frame(41, '00'), frame(50, '01930000000a000b'), frame(51)];

/** RabbitMQ's side of each case goes on once the client has said something; a real one is asked in test/e2e/queue.test.ts. */
describe('a login to RabbitMQ', () => {
  let server: Server | undefined;
  afterEach(() => server?.close());

  async function answering(answers: (Buffer | 'close')[], cut = Number.POSITIVE_INFINITY) {
    const heard: Buffer[] = [];
    const answer = (socket: Socket) => {
      const next = answers.shift();
      if (next === 'close') socket.destroy();
      else if (next) for (let at = 0; at < next.length; at += cut) socket.write(next.subarray(at, at + cut));
    };
    server = createServer((socket) => {
      socket.setNoDelay().on('error', () => {});
      socket.on('data', (bytes: Buffer) => {
        heard.push(bytes);
        answer(socket);
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const result = await logIn(login, (server.address() as AddressInfo).port);
    return { result, heard: Buffer.concat(heard).toString('latin1') };
  }

  it('is let in where the vhost opens, however the answers are cut', async () => {
    for (const cut of [1000, 3]) {
      const { result, heard } = await answering([start, tune, openOk, closeOk], cut);
      assert.equal(result, 'let in');
      assert.ok(heard.startsWith('AMQP\0\0\x09\x01') && heard.includes('\0api\0secret'));
      server?.close();
    }
  });

  it('is refused for its password, and at its vhost', async () => {
    for (const answers of [
      [start, close],
      [start, tune, close, closeOk],
    ]) {
      assert.equal((await answering(answers)).result, 'refused');
      server?.close();
    }
  });

  it('finds nobody where none listens, who listens ends, or speaks something else', async () => {
    const http = Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n');
    const ends: (Buffer | 'close')[][] = [[http], ['close'], [start, 'close'], [start, tune, 'close']];
    for (const answers of ends) {
      assert.equal((await answering(answers)).result, 'away');
      server?.close();
    }
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    other.close();
    await once(other, 'close');
    assert.equal(await logIn(login, port), 'away');
  });
});
