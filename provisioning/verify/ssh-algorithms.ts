/**
 * What sshd may offer, by its KEXINIT's lists: what neither Mozilla's guideline
 * (https://infosec.mozilla.org/guidelines/openssh) nor Debian's ssh-audit speaks against.
 */
const sound = {
  kex: /^((sntrup761|mlkem768)x25519-sha(256|512)(@openssh\.com)?|curve25519-sha256(@libssh\.org)?|diffie-hellman-group(16|18)-sha512|diffie-hellman-group-exchange-sha256|ext-info-s|kex-strict-s-v00@openssh\.com)$/,
  hostKey: /^((sk-)?ssh-ed25519|rsa-sha2-(256|512))(-cert-v01)?(@openssh\.com)?$/,
  cipher: /^(chacha20-poly1305@openssh\.com|aes(128|256)-gcm@openssh\.com|aes(128|192|256)-ctr)$/,
  mac: /^(hmac-sha2-(256|512)|umac-128)-etm@openssh\.com$/,
} as const;

export type AlgorithmKind = keyof typeof sound;

/** Those of a list as sshd writes it (`a,b,c`) that should not be offered. */
export function weak(kind: AlgorithmKind, list: string): string[] {
  return list.split(',').filter((name) => name !== '' && !sound[kind].test(name));
}
