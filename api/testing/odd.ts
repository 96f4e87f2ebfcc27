/** Texts and bytes that programs have stumbled over, by where in a request they stand. */

export const ODD_TEXTS = [
  '\0',
  'a\0b',
  '\ud800',
  '\udfff\ud800',
  '\uffff',
  '\u202e',
  '%_\\',
  '%00',
  "'; drop table users --",
  "' or 1=1 --",
  '$1',
  '?',
  '{{7*7}}',
  '<script>',
  '\r\nX-Injected: 1',
  'İıſK',
];

export const ODD_VALUES: unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  '',
  [],
  {},
  [[[1]]],
  { $gt: '' },
  { toString: 1 },
  { length: 1e9 },
  ['a', 'b'],
  ...ODD_TEXTS,
];

export const ODD_KEYS = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'id',
  'owner_id',
  'password_hash',
  '',
  '\0',
];

export const ODD_SEGMENTS = [
  ...[
    '0',
    '-1',
    '1.5',
    '1e9',
    '01',
    '+1',
    '0x1',
    '2147483647',
    '2147483648',
    '9007199254740993',
    '9'.repeat(400),
  ],
  ...['%00', '%', '%2F', '%FF', '%E0%A4%A', '%C0%80', '%ED%A0%80', '%0d%0aX:%20y', '%252e', '%20', '%2e%2e'],
  ...[
    "'--",
    'null',
    'NaN',
    'true',
    '..',
    '.',
    ';',
    '__proto__',
    '[]',
    '*',
    '{id}',
    ':id',
    'me',
    '\xe9',
    '1,2',
  ],
];

export const ODD_PAIRS = [
  ...['=', '&&', '%', 'a', 'limit', 'limit=', 'limit[]=1', 'limit[a]=1', 'limit=1&limit=2', 'skip=0&skip=0'],
  ...[
    '__proto__=1',
    '__proto__[limit]=1',
    'constructor=1',
    'sort=top&sort=new',
    'after=1.1&after=1.1',
    '%00=%00',
  ],
  `search=${'x'.repeat(4_000)}`,
];

export const ODD_ENDINGS = [
  '/',
  '//',
  '/.',
  '/..',
  '/%00',
  '/%2e%2e/',
  ';x=1',
  '.json',
  '#x',
  '%20',
  '/1/2/3',
];

export const ODD_METHODS = [
  'HEAD',
  'OPTIONS',
  'TRACE',
  'PROPFIND',
  'GET',
  'PUT',
  'PATCH',
  'POST',
  'QUERY',
  'get',
  'X',
];

export const ODD_AUTHORIZATIONS = [
  ...[
    '',
    'Bearer',
    'Bearer ',
    'Bearer x',
    'Bearer a.b.c',
    'Bearer ..',
    'Basic YTpi',
    'bearer\xff',
    'Bearer \xff',
  ],
  `Bearer ${'x'.repeat(8_000)}`,
  'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.',
  'Bearer eyJhbGciOiJIUzI1NiIsImtpZCI6Il9fcHJvdG9fXyJ9.eyJzdWIiOiIxIn0.AAAA',
];

export const ENTITY_TAGS = [
  ...['"1.x"', 'W/"1.x"', '*', '"0.x"', '"1.x", "2.x"', '', ',', '"', '\xff', '"99999999999999999999.x"'],
  '"a",'.repeat(1_000),
];

export const ODD_HEADERS = [
  ...['X-Request-Id: \xff\xfe', 'X-Request-Id: 12345678', `X-Request-Id: ${'x'.repeat(5_000)}`],
  ...[
    'Content-Encoding: gzip',
    'Content-Encoding: br',
    'Content-Encoding: nonsense',
    'Content-Encoding: identity',
  ],
  ...['Expect: 100-continue', 'Expect: the unexpected', 'Range: bytes=0-1', 'Origin: null', 'Origin: \xff'],
  ...[
    'Accept: \x01',
    'Accept: text/html',
    'Accept-Encoding: *;q=0',
    'Prefer: x',
    'Server-Timing: 1',
    'TE: trailers',
  ],
  ...[
    'Cookie: a=b; a=c',
    'X-Real-IP: \xff',
    'X-Forwarded-For: 1',
    'Forwarded: for=1',
    'X-HTTP-Method-Override: DELETE',
  ],
  ...[
    'If-None-Match: *',
    'If-Match: *',
    'If-Modified-Since: x',
    'Upgrade: websocket',
    'Connection: x',
    'A b: c',
  ],
  ...['Content-Length: -1', `X-Large: ${'x'.repeat(20_000)}`, ': x', 'Host: b'],
];

export const ODD_TYPES = [
  ...[
    'text/plain',
    'application/json; charset=utf-16',
    'application/json; charset="',
    'application/problem+json',
  ],
  ...[
    'multipart/form-data; boundary=x',
    'application/xml',
    ';',
    'application/json;;;',
    '\xff',
    '*/*',
    'json',
  ],
];

export const ODD_BODIES = [
  ...[
    '{',
    '}',
    '[',
    'null',
    '"x"',
    '1',
    '{"a":1,}',
    '{"a":1}{"b":2}',
    '\ufeff{}',
    ' ',
    '%',
    '&&==',
    'a=b&a=c&a[b]=c',
  ],
  ...[
    'username[__proto__]=1',
    'username=%00&password=%ff',
    '{"title":"\\ud800","content":"c"}',
    '{"__proto__":{}}',
  ],
  ...[
    '['.repeat(50_000),
    '{"a":'.repeat(10_000),
    `${'['.repeat(9_000)}${']'.repeat(9_000)}`,
    'x'.repeat(110_000),
  ],
  ...[
    `{"title":"${'x'.repeat(99_000)}","content":"c"}`,
    `${'a=1&'.repeat(2_000)}`,
    '{"post_id":1e400,"dir":1}',
  ],
];
