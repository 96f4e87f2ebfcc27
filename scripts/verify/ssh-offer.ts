import type { AlgorithmKind } from '../../provisioning/verify/ssh-algorithms.ts';

/** Lists as they stand in KEXINIT, separated by commas; both directions together. */
export type Offer = Record<AlgorithmKind, string> & { banner: string };

const kexInit = 20;

/** The version line and the first packet (RFC 4253 sections 4.2, 6 and 7.1); null: not all of it is there yet. */
export function parseOffer(received: Buffer): Offer | null {
  const end = received.indexOf('\n');
  if (end === -1) return null;
  const banner = received.subarray(0, end).toString('latin1').trim();
  const packet = received.subarray(end + 1);
  if (packet.length < 4 || packet.length < 4 + packet.readUInt32BE(0)) return null;
  if (packet[5] !== kexInit) throw new Error(`${banner} sent no list of algorithms`);
  // Length, padding's length, the message's number, and a cookie of 16 bytes.
  let at = 4 + 1 + 1 + 16;
  const next = () => {
    const length = packet.readUInt32BE(at);
    const list = packet.subarray(at + 4, at + 4 + length).toString('latin1');
    at += 4 + length;
    return list;
  };
  const [kex, hostKey] = [next(), next()];
  const both = () => [...new Set(`${next()},${next()}`.split(','))].join(',');
  return { banner, kex, hostKey, cipher: both(), mac: both() };
}
