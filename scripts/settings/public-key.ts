const RSA_BITS = 2048;

/** The parts of each type's blob after its name (RFC 4253 6.6, RFC 5656 3.1, RFC 8709, OpenSSH PROTOCOL.u2f). */
const kinds: Record<string, (parts: Buffer[]) => boolean> = {
  'ssh-ed25519': ([key, ...rest]) => key?.length === 32 && rest.length === 0,
  'ssh-rsa': ([exponent, modulus, ...rest]) => !!exponent?.length && !!modulus?.length && rest.length === 0,
  'ecdsa-sha2-nistp256': isPoint('nistp256', 65),
  'ecdsa-sha2-nistp384': isPoint('nistp384', 97),
  'ecdsa-sha2-nistp521': isPoint('nistp521', 133),
  'sk-ssh-ed25519@openssh.com': ([key, , ...rest]) => key?.length === 32 && rest.length === 0,
  'sk-ecdsa-sha2-nistp256@openssh.com': ([curve, point, , ...rest]) =>
    isPoint('nistp256', 65)([curve, point].filter((part) => part !== undefined)) && rest.length === 0,
};

/**
 * An OpenSSH public key as `authorized_keys` takes it: `type base64 [comment]`, on one line. Options may stand before it
 * that take something away from the key, `restrict` first: `restrict,command="…",from="…",expiry-time="…"` (sshd(8)).
 * Throws RangeError with the reason, which never holds the text: it may be a private key.
 */
export function parsePublicKey(text: string): string {
  if (/PRIVATE KEY/.test(text)) {
    throw new RangeError(
      'is a PRIVATE key; give the line of its .pub file, and make a new key if this file was shared',
    );
  }
  const line = text.trim();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  if (/[\0-\x1f\x7f]/.test(line)) throw new RangeError('is more than one line; give one key an entry');
  const [, options = '', key = ''] = optionsOf.exec(line) ?? ['', '', line];
  const [type = '', encoded = '', ...comment] = key.split(/ +/);
  const isKind = Object.hasOwn(kinds, type) ? kinds[type] : undefined;
  if (!isKind) throw new RangeError(unknownType(type));
  const [inner, ...parts] = blobParts(encoded) ?? [];
  if (inner === undefined)
    throw new RangeError('is broken: its second word is not a whole key; copy the .pub file again');
  if (inner.toString('latin1') !== type) throw new RangeError(`says ${type} but holds another type of key`);
  if (!isKind(parts)) throw new RangeError(`is broken: it holds no ${type} key; copy the .pub file again`);
  if (type === 'ssh-rsa') requireBits(parts[1]);
  return [options, type, encoded, ...comment].filter(Boolean).join(' ');
}

const optionsOf = /^(restrict(?:,(?:command|from|expiry-time)="(?:[^"\\]|\\.)*")*) +(.*)$/;

/** Length-prefixed strings (RFC 4251 5); undefined unless the base64 is canonical and used up to its last byte. */
function blobParts(encoded: string): Buffer[] | undefined {
  const blob = Buffer.from(encoded, 'base64');
  if (blob.length === 0 || blob.toString('base64') !== encoded) return undefined;
  const parts: Buffer[] = [];
  let at = 0;
  while (at + 4 <= blob.length) {
    const end = at + 4 + blob.readUInt32BE(at);
    if (end > blob.length) return undefined;
    parts.push(blob.subarray(at + 4, end));
    at = end;
  }
  return at === blob.length ? parts : undefined;
}

function isPoint(curve: string, length: number): (parts: Buffer[]) => boolean {
  return ([name, point, ...rest]) =>
    name?.toString('latin1') === curve && point?.length === length && point[0] === 4 && rest.length === 0;
}

function requireBits(modulus: Buffer | undefined): void {
  const bits = BigInt(`0x0${modulus?.toString('hex') ?? ''}`).toString(2).length;
  if (bits < RSA_BITS) throw new RangeError(`is an RSA key of ${bits} bits; sshd wants at least ${RSA_BITS}`);
}

function unknownType(type: string): string {
  if (type === 'ssh-dss')
    return 'is a DSA key, which sshd no longer takes; make one with ssh-keygen -t ed25519';
  return `does not begin with a type of key (${Object.keys(kinds).slice(0, 3).join(', ')} …); give the line of a .pub file`;
}
