import { appendFileSync } from 'node:fs';
import Mocha from 'mocha';

/** mocha's spec reporter, which also writes its counts and what failed to the file that `BERTH_TEST_COUNTS` names. */
export default class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const path = process.env.BERTH_TEST_COUNTS;
    const failures: string[] = [];
    runner.on('fail', (test, error: Error) =>
      failures.push(`${test.fullTitle()}\n${error.stack ?? error.message}`),
    );
    runner.once('end', () => {
      const { passes, failures: failed, pending } = this.stats;
      if (path) appendFileSync(path, JSON.stringify({ passed: passes, failed, skipped: pending, failures }));
    });
  }
}
