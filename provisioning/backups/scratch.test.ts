import assert from 'node:assert/strict';
import { type DatabaseRecord, differences, fingerprintOf } from './inspect.ts';
import { withoutExtensions } from './scratch.ts';

// As pg_restore 17 prints it.
const list = `;
; Archive created at 2026-11-21 11:54:56 UTC
;     dbname: api
;
2; 3079 16919 EXTENSION - postgres_fdw 
3712; 0 0 COMMENT - EXTENSION postgres_fdw 
3; 3079 16920 EXTENSION - postgres_fdw_more 
8; 2615 16921 SCHEMA - ext2 postgres
9; 2615 16922 SCHEMA - ext22 api
241; 1259 16923 TABLE public posts api
3714; 0 16923 TABLE DATA public posts api
`;

describe('a dump whose extensions were made before', () => {
  it('is read back without them, their comments and their schemas, and with all else', () => {
    const left = withoutExtensions(list, [{ name: 'postgres_fdw', schema: 'ext2' }]);
    const gone = list.split('\n').filter((line) => !left.split('\n').includes(line));
    assert.deepEqual(
      gone.map((line) => line.split(';')[0]),
      ['2', '3712', '8'],
    );
  });
});

describe('a restored copy', () => {
  const objects = ['table public.posts', 'index posts_at on public.posts using btree (at)'];
  const record: DatabaseRecord = {
    ...{
      name: 'api',
      server: '17.6',
      bytes: 1,
      takenAt: '2026-11-21T12:00:00Z',
      settings: [],
      extensions: [],
      roles: [],
    },
    ...{ objects, fingerprint: fingerprintOf(objects), rows: { 'public.posts': 3 } },
    creation: { encoding: 'UTF8', collate: 'C', ctype: 'C', provider: 'c', locale: null },
  };

  it('is what was dumped', () => assert.deepEqual(differences(record, { ...record, name: 'other' }), []));

  it('is told apart by name: what it lacks, what it has besides, and rows', () => {
    const copy = {
      ...record,
      objects: ['table public.posts', 'table public.more'],
      rows: { 'public.posts': 2, 'public.more': 0 },
    };
    assert.deepEqual(differences(record, copy), [
      'lacks index posts_at on public.posts using btree (at)',
      'has table public.more besides',
      'has 2 rows in public.posts instead of 3',
      'has 0 rows in public.more instead of none',
    ]);
  });
});
