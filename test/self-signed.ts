/** openssl's argv for a certificate with a key of its own; whose, what for and where to follows. */
export const selfSigned = [
  'openssl',
  'req',
  '-x509',
  '-newkey',
  'ec',
  '-pkeyopt',
  'ec_paramgen_curve:P-256',
  '-nodes',
];
