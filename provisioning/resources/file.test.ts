import assert from 'node:assert/strict';
import { inverseOf, plans, type Row, rootDirectory, rootFile, symlink } from '../../test/resource-rows.ts';
import { absent, block, directory, displaced, file, link, log, noOthers, withBlock } from './file.ts';

plans('a file', file({ path: '/f', content: 'new' }), [
  [{ stat: null, content: null }, ['write /f']],
  [{ stat: rootFile, content: 'old' }, ['write /f']],
  [{ stat: rootFile, content: 'new' }, []],
  [{ stat: { ...rootFile, mode: 0o666 }, content: 'new' }, ['attributes /f']],
  [{ stat: { ...rootFile, owner: 'eve' }, content: 'new' }, ['attributes /f']],
  [{ stat: symlink, content: null }, ['write /f']],
]);

plans('a directory', directory({ path: '/d' }), [
  [null, ['mkdir /d']],
  [rootDirectory, []],
  [{ ...rootDirectory, mode: 0o777 }, ['attributes /d']],
]);

describe('what somebody else has put in the way', () => {
  it('is neither followed nor replaced', () => {
    const refused = { code: 'path_in_the_way' };
    for (const stat of [symlink, rootFile])
      assert.throws(() => directory({ path: '/d' }).plan(stat), refused);
    const own = { mode: 0o644, owner: 'root', group: 'root' };
    assert.throws(
      () => block({ path: '/b', lines: [], ...own }).plan({ stat: symlink, content: null }),
      refused,
    );
  });
});

plans('a link', link('/l', 'there'), [
  [null, ['link /l']],
  [{ ...symlink, target: 'there' }, []],
  [symlink, ['link /l']],
]);

plans('a log', log({ path: '/l', mode: 0o640, owner: 'root', group: 'adm' }), [
  [null, ['write /l']],
  [rootFile, ['attributes /l']],
  [{ ...rootFile, mode: 0o640, group: 'adm', size: 9 }, []],
]);

plans('an absence', absent('/a'), [
  [null, []],
  [rootFile, ['remove /a']],
]);

const marked = withBlock('before\n', ['line']);
plans('a block', block({ path: '/b', lines: ['line'], mode: 0o644, owner: 'root', group: 'root' }), [
  [{ stat: null, content: null }, ['write /b']],
  [{ stat: rootFile, content: 'before\n' }, ['write /b']],
  [{ stat: rootFile, content: marked }, []],
  [{ stat: rootFile, content: `${marked}after\n` }, []],
  [{ stat: rootFile, content: marked.replace('line', 'other') }, ['write /b']],
]);

plans('files of ours that are no longer wanted', noOthers('/d', /^berth-/, ['berth-a']), [
  [[], []],
  [['berth-b'], ['remove /d/berth-b']],
]);

const debian = { content: 'theirs', mode: 0o644, owner: 'root', group: 'root' };
plans('a file without Berth', inverseOf(file({ path: '/f', content: 'ours' })), [
  [{ stat: rootFile, content: 'ours', original: null }, ['remove /f']],
  [{ stat: null, content: null, original: null }, []],
  [{ stat: rootFile, content: 'theirs', original: undefined }, []],
  [{ stat: rootFile, content: 'ours', original: undefined }, ['remove /f']],
  [{ stat: rootFile, content: '# Kept by berth apply.', original: undefined }, ['remove /f']],
  [{ stat: rootFile, content: 'ours', original: debian }, ['write /f']],
  [{ stat: null, content: null, original: debian }, ['write /f']],
  [{ stat: rootFile, content: 'theirs', original: debian }, []],
  [{ stat: rootFile, content: 'ours', original: { target: '/there' } }, ['link /f']],
  [{ stat: rootDirectory, content: null, original: null }, []],
]);

plans('what the distribution had where nothing may be, without Berth', inverseOf(displaced('/f')), [
  [{ stat: null, original: { target: '/there' } }, ['link /f']],
  [{ stat: null, original: debian }, ['write /f']],
  [{ stat: rootFile, original: { target: '/there' } }, []],
  [{ stat: null, original: null }, []],
  [{ stat: null, original: undefined }, []],
]);

plans('a directory of ours without Berth', inverseOf(directory({ path: '/d', holds: 'ours' })), [
  [null, []],
  [rootDirectory, ['remove /d']],
]);

const emptied = [
  [{ there: true, names: [] }, ['rmdir -- /d']],
  [{ there: true, names: ['other'] }, []],
  [{ there: false, names: [] }, []],
] satisfies Row<unknown>[];
plans("a directory of several's without Berth", inverseOf(directory({ path: '/d' })), emptied);
plans('a directory of data without Berth', inverseOf(directory({ path: '/d', holds: 'data' })), emptied);
plans('purged data', inverseOf(directory({ path: '/d', holds: 'data' }), { purge: true }), [
  [rootDirectory, ['remove /d']],
]);

const blockOf = { path: '/b', lines: ['line'], mode: 0o644, owner: 'root', group: 'root' };
plans('a block without Berth', inverseOf(block(blockOf)), [
  [{ stat: rootFile, content: `${marked}after\n` }, ['write /b']],
  [{ stat: rootFile, content: 'before\n' }, []],
  [{ stat: null, content: null }, []],
]);
