import { appendFileSync } from 'node:fs';
import Mocha from 'mocha';

const LINGER_MS = 30_000;

/**
 * mocha's spec reporter, which also writes its counts and what failed to the file that `BERTH_TEST_COUNTS` names. A part
 * that something keeps from ending, as what a failed test had begun, is ended, and that is a failure.
 */
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
      setTimeout(() => {
        console.error(
          `something goes on after the last test: ${process.getActiveResourcesInfo().join(', ')}`,
        );
        // After mocha's own, which sets the code to its failures.
        process.once('exit', () => {
          process.exitCode = 1;
        });
        process.exit();
      }, LINGER_MS).unref();
    });
  }
}
