import type { Change } from '../change.ts';
import { pagesRoot } from '../pages.ts';
import type { Resource } from './resource.ts';

type State = { copy: 'none' | 'same' | 'other'; target: string | null };

const path = `${pagesRoot}/pages`;

/** Under the umask of here: who built them may have had one that keeps nginx out. */
const copying = ['cp', '--recursive', '--no-target-directory', '--no-preserve=all', '--'];

/** What others than root may change, or nginx cannot read, in find's words. */
const notServed = '( ! -user root -o ! -group root -o -type d ! -perm 755 -o -type f ! -perm 644 )'.split(
  ' ',
);

/**
 * The pages that an apply has brought, `/opt/berth/web/<bundle>`, as nginx serves them: in a copy, so that what a hand
 * changes there can be told and mended, behind a symlink, so that all of them change at once.
 */
export function pages(bundle: string): Resource<State> {
  const source = `/opt/berth/web/${bundle}`;
  const copy = `${pagesRoot}/${bundle}`;
  return {
    id: 'pages',
    async check(host) {
      const [there, compared, odd, link] = await Promise.all([
        host.stat(copy),
        host.run(['diff', '--brief', '--recursive', '--', source, copy]),
        host.run(['find', copy, ...notServed, '-print', '-quit']),
        host.stat(path),
      ]);
      const found = compared.code === 0 && odd.stdout === '' ? 'same' : 'other';
      return { copy: there ? found : 'none', target: link?.target ?? null };
    },
    plan({ copy: found, target }) {
      const run = (...argv: string[]): Change => ({ do: 'run', argv, action: target ? 'change' : 'add' });
      return [
        ...(found === 'other' ? [run('rm', '-r', '--', copy)] : []),
        ...(found === 'same' ? [] : [run(...copying, source, copy)]),
        ...(target === bundle ? [] : [{ do: 'link' as const, path, target: bundle, before: target }]),
      ];
    },
    inverse: () => ({}),
  };
}
