import { edited, type Harm, nginx } from './deed.ts';

/** In every server of TLS, the machine's own and the application's. */
const locations = [
  'location = /.env { return 200 "JWT_KEYS=1"; }',
  'location ~ etc/passwd$ { root /; try_files /etc/passwd =404; }',
  'location /api { proxy_pass http://api; }',
  'location = /api/users/me { return 200 "{}"; }',
  'location = /api/login { return 200 "{}"; }',
].join(' ');

export const serving: Harm[] = [
  {
    finds: ['tls.old', 'tls.ciphers', 'nginx.protocols'],
    ...edited(
      nginx('tls'),
      's/^ssl_protocols.*/ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;/',
      's/^ssl_ciphers.*/ssl_ciphers ALL:@SECLEVEL=0;/',
    ),
  },
  {
    finds: ['headers.security', 'headers.hsts'],
    ...edited(nginx('headers'), 's/.*X-Frame.*/add_header Strict-Transport-Security max-age=1 always;/'),
  },
  {
    finds: ['smuggling.refused'],
    ...edited(nginx('errors'), 's/page 400 /page 400 = /', 's/return 400 /return 200 /'),
  },
  {
    finds: ['headers.versions', 'nginx.version', 'nginx.workers'],
    ...edited(
      '/etc/nginx/nginx.conf',
      's/server_tokens off/server_tokens on/',
      's/^user .*/user root root;/',
    ),
  },
  {
    finds: ['redirect.https', 'methods.refused', 'nginx.listing', 'paths.climbing', 'paths.hidden'],
    ...edited(
      '/etc/nginx/conf.d/berth.conf',
      's/return 308.*/return 200 hi;/',
      's/index index.html;/& autoindex on; if ($request_method = PROPFIND) { return 200; }/',
      `s,root /var/www/berth/pages;,& ${locations},`,
      's/client_max_body_size.*/client_max_body_size 0;/',
    ),
  },
  // By the same edit.
  { finds: ['names.unknown', 'api.tokens', 'api.input', 'api.bodies'], harm: 'true', mend: 'true' },
];
