import { connect } from 'node:net';

/** A request that promises more than it sends is hung up on after this long. */
const PATIENCE_MS = 250;

/** Sends these bytes as they are and returns the status of the answer; 0 if the connection ended without one. */
export function rawRequest(url: string, bytes: Buffer): Promise<number> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    let status = 0;
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    socket.setTimeout(PATIENCE_MS, () => socket.end());
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      status ||= Number(/^HTTP\/1\.1 ([2-5]\d\d) /m.exec(chunk)?.[1] ?? 0);
      if (status) socket.end();
    });
    // A reset is the server's way of not reading on.
    socket.on('error', () => {});
    socket.on('close', () => resolve(status));
  });
}
