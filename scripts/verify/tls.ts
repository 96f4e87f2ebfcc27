import { once } from 'node:events';
import { isIP } from 'node:net';
import {
  type ConnectionOptions,
  checkServerIdentity,
  connect,
  type SecureVersion,
  type TLSSocket,
} from 'node:tls';
import { endsSoon } from '../../provisioning/verify/certificates.ts';
import { judge } from '../../provisioning/verify/finding.ts';
import { privateAuthorities, trusted } from '../trust.ts';
import type { OutsideCheck, Target } from './target.ts';

const reference = 'Mozilla Server Side TLS, intermediate';
const fix = 'berth apply; /etc/nginx/berth/tls.conf is what nginx shall have';

/** What the server takes when it is asked for each protocol and cipher alone. */
export const tls: OutsideCheck = { id: 'tls', run };

async function run(target: Target) {
  const [old, now, ciphers, certificate] = await Promise.all([
    takenOf(target, ['TLSv1', 'TLSv1.1']),
    takenOf(target, ['TLSv1.2', 'TLSv1.3']),
    ciphersOf(target),
    certificateFaults(target),
  ]);
  const unsound = ciphers.filter((name) => !/^(ECDHE|DHE)-.*(GCM|CCM|CHACHA20)/.test(name));
  return [
    judge({ id: 'tls.old', title: 'TLS 1.0 and 1.1 are refused', fix, reference }, old, 'both refused'),
    judge(
      { id: 'tls.protocols', title: 'TLS 1.3 is offered', fix, reference },
      now.includes('TLSv1.3') ? [] : [`offered: ${now.join(', ') || 'nothing'}`],
      now.join(', '),
    ),
    judge(
      {
        id: 'tls.ciphers',
        title: 'TLS 1.2 has forward secrecy and authenticated ciphers alone',
        fix,
        reference,
      },
      unsound,
      ciphers.join(', '),
    ),
    judge(
      {
        id: 'tls.certificate',
        title: 'the certificate is trusted, for every name, and does not end soon',
        fix: 'berth apply makes a new one; where an authority issues it: berth certificate renew',
        reference: 'RFC 9110 4.3.4; Mozilla Server Side TLS',
      },
      certificate,
      target.settings.tls.names.join(', '),
    ),
  ];
}

/** So that this computer's own OpenSSL offers what it would rather not. */
const anything = 'ALL:COMPLEMENTOFALL:@SECLEVEL=0';

async function takenOf(target: Target, versions: SecureVersion[]): Promise<string[]> {
  const taken = await Promise.all(
    versions.map(async (version) => {
      const socket = await handshake(target, { minVersion: version, maxVersion: version, ciphers: anything });
      socket?.destroy();
      return socket === null ? [] : [version];
    }),
  );
  return taken.flat();
}

/** Every cipher of TLS 1.2 that it takes: the one that it chose is left out of the next offer, until none is taken. */
async function ciphersOf(target: Target): Promise<string[]> {
  const taken: string[] = [];
  for (;;) {
    const ciphers = [anything, ...taken.map((name) => `!${name}`)].join(':');
    const socket = await handshake(target, { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2', ciphers });
    const name = socket?.getCipher().name;
    socket?.destroy();
    if (name === undefined || taken.includes(name)) return taken;
    taken.push(name);
  }
}

async function certificateFaults(target: Target): Promise<string[]> {
  const { ca } = await target.inside;
  const { settings } = target;
  // Not that of a stand-in.
  const own = privateAuthorities(settings, { ca, certificate: null });
  const socket = await handshake(target, { ca: trusted(settings, own) });
  if (socket === null) return ['no TLS connection'];
  const certificate = socket.getPeerCertificate();
  // Names are looked at one by one below.
  const named =
    socket.authorizationError && `${socket.authorizationError}` === 'ERR_TLS_CERT_ALTNAME_INVALID';
  const untrusted = socket.authorized || named ? [] : [`not trusted: ${socket.authorizationError}`];
  const wrong = target.settings.tls.names.flatMap(
    (name) => checkServerIdentity(name, certificate)?.message ?? [],
  );
  const { valid_from: from, valid_to: to } = certificate;
  socket.destroy();
  return [
    ...untrusted,
    ...wrong,
    ...(endsSoon(settings.tls.kind, from, to, Date.now()) ? [`until ${to}`] : []),
  ];
}

/** null: the server refused. */
async function handshake(
  { address, settings }: Target,
  options: ConnectionOptions,
): Promise<TLSSocket | null> {
  const name = [address, ...settings.tls.names].find((one) => !isIP(one));
  const socket = connect({
    host: address,
    port: settings.nginx.publicHttpsPort,
    rejectUnauthorized: false,
    timeout: 5000,
    ...(name === undefined ? {} : { servername: name }),
    ...options,
  });
  socket.once('timeout', () => socket.destroy(new Error(`${address} did not answer within 5 s`)));
  try {
    await once(socket, 'secureConnect');
    return socket;
  } catch (error) {
    socket.destroy();
    // A machine that does not answer at all has refused nothing.
    if (['ECONNREFUSED', 'EHOSTUNREACH', 'ETIMEDOUT'].includes((error as NodeJS.ErrnoException).code ?? ''))
      throw error;
    if (/did not answer/.test(String(error))) throw error;
    return null;
  }
}
