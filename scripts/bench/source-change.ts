import { join } from 'node:path';
import { runChecked } from '../process.ts';

/**
 * A commit on top of HEAD that changes nothing but one small file of the application's source, for
 * `berth deploy --ref`. No branch names it, and the working tree and the person's index are left alone.
 */
export async function commitSourceChange(root: string, file: string, content: string): Promise<string> {
  const { stdout } = await runChecked(['git', '-C', root, 'rev-parse', '--absolute-git-dir']);
  const index = join(stdout.trim(), `berth-bench-${process.pid}`);
  const git = async (words: string[], input?: string) => {
    const options = { env: { GIT_INDEX_FILE: index }, ...(input === undefined ? {} : { input }) };
    return (await runChecked(['git', '-C', root, ...words], options)).stdout.trim();
  };
  try {
    await git(['read-tree', 'HEAD']);
    const blob = await git(['hash-object', '-w', '--stdin'], content);
    await git(['update-index', '--add', '--cacheinfo', `100644,${blob},${file}`]);
    const author = ['-c', 'user.name=bench', '-c', 'user.email=bench@example.com'];
    return await git([...author, 'commit-tree', await git(['write-tree']), '-p', 'HEAD', '-m', 'Bench']);
  } finally {
    await runChecked(['rm', '-f', index]);
  }
}
