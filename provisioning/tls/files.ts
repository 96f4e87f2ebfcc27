/** Where nginx finds the server's certificate and key, one file, from the first second on. */
export const serverPath = '/etc/berth/tls/server.pem';

export const authorityPath = '/etc/berth/tls/authority.pem';
export const publishedPath = '/etc/berth/tls/ca.pem';

/** What the ACME authority issued last, key and chain in one file: what `serverPath` is to become. */
export const issuedPath = '/var/lib/berth/issued.pem';

/** PEM by which certbot trusts the directory. */
export const directoryCaPath = '/etc/berth/tls/acme-ca.pem';

// A dot, which no application's name has.
export const hstsPath = '/etc/nginx/conf.d/berth.hsts.conf';

/** All that certbot reads and writes, as a user of its own. */
export const acme = {
  user: 'berth-acme',
  home: '/var/lib/berth/acme',
  webroot: '/var/lib/berth/acme/webroot',
};

export const secretFile = { mode: 0o600, owner: 'root', group: 'root' };
