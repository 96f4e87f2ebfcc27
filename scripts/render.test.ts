import assert from 'node:assert/strict';
import type { Event } from '../provisioning/events.ts';
import type { Clock } from './clock.ts';
import { createRenderer } from './render.ts';
import { memoryIo } from './testing/memory-io.ts';

/** Time that stands still until `pass`. */
function handClock(): Clock & { pass(ms: number): void } {
  let now = 0;
  const timers = new Set<{ periodMs: number; next: number; tick: () => void }>();
  return {
    now: () => now,
    every(periodMs, tick) {
      const timer = { periodMs, next: now + periodMs, tick };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    pass(ms) {
      for (const end = now + ms; now < end; ) {
        now = Math.min(end, ...[...timers].map(({ next }) => next));
        for (const timer of [...timers].filter(({ next }) => next === now)) {
          timer.next += timer.periodMs;
          timer.tick();
        }
      }
    },
  };
}

function renderer({ terminal = false, json = false, verbose = false, env = {} } = {}) {
  const io = memoryIo({ terminal, env });
  const clock = handClock();
  return { io, clock, report: createRenderer(io, { json, verbose, clock }) };
}

const planned: Event = {
  type: 'planned',
  resource: 'file:/etc/hostname',
  action: 'change',
  changes: [
    {
      summary: 'write /etc/hostname (0644 root:root)',
      diff: '--- before\n+++ after\n@@ -1 +1 @@\n-old\n+new\n',
    },
  ],
};
const ESC = '\x1b';
const ERASE = `\r${ESC}[K`;
const counts = { resources: 81, add: 12, change: 3, remove: 0, seconds: 1.04 };

describe('render without a terminal', () => {
  it('says when a step begins, every 10 s while it runs, and when it ends', async () => {
    const { io, clock, report } = renderer();
    await report.step('Install packages', async (detail) => {
      detail('nginx');
      clock.pass(25_000);
    });
    assert.equal(
      io.err(),
      '- Install packages\n  Install packages: 10.0s, nginx\n  Install packages: 20.0s, nginx\n✓ Install packages 25.0s\n',
    );
    assert.equal(io.out(), '');
  });

  it('marks a step that failed and passes the failure on', async () => {
    const { io, report } = renderer();
    await assert.rejects(
      report.step('Boot', () => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.equal(io.err(), '- Boot\n✗ Boot 0.0s\n');
  });

  it('shows a plan with its changes and diffs on standard output', () => {
    const { io, report } = renderer();
    report.event('plan', planned);
    report.summary('plan', counts);
    assert.equal(
      io.out(),
      `~ file:/etc/hostname
    write /etc/hostname (0644 root:root)
      --- before
      +++ after
      @@ -1 +1 @@
      -old
      +new
12 to add, 3 to change, 0 to remove
`,
    );
  });

  it('says of an apply what was done, and its notices last', () => {
    const { io, report } = renderer();
    report.event('apply', planned);
    report.event('apply', { type: 'notice', text: 'a restart is needed' });
    report.event('apply', {
      type: 'applied',
      resource: 'file:/etc/hostname',
      action: 'change',
      seconds: 0.04,
    });
    report.summary('apply', counts);
    assert.equal(io.out(), '12 added, 3 changed, 0 removed, 66 unchanged in 1.0 s\n');
    assert.equal(io.err(), '  ~ file:/etc/hostname 0.0s\n! a restart is needed\n');
  });

  it('shows the changes of an apply when verbose', () => {
    const { io, report } = renderer({ verbose: true });
    report.event('apply', planned);
    assert.match(io.out(), /-old\n/);
  });
});

describe('render on a terminal', () => {
  it('shows a spinner after a second, with elapsed time and the latest detail, on one line', async () => {
    const { io, clock, report } = renderer({ terminal: true });
    await report.step('Install packages', async () => {
      clock.pass(900);
      assert.equal(io.err(), '');
      report.event('apply', { type: 'progress', text: `Unpacking ${'x'.repeat(100)}` });
      clock.pass(100);
    });
    const [spinner = '', end] = io.err().split(ERASE);
    assert.match(spinner, /^⠋ Install packages 1\.0s Unpacking x+…$/);
    assert.equal(spinner.length, 79);
    assert.equal(end, '\x1b[32m✓\x1b[0m Install packages \x1b[2m1.0s\x1b[0m\n');
  });

  it('keeps the spinner below what is printed meanwhile', async () => {
    const { io, clock, report } = renderer({ terminal: true });
    await report.step('Work', async () => {
      clock.pass(1000);
      report.note('by the way');
    });
    assert.ok(io.err().startsWith(`⠋ Work 1.0s${ERASE}by the way\n⠋ Work 1.0s${ERASE}`));
  });

  it('has no colour with NO_COLOR, and colour without a terminal with FORCE_COLOR', () => {
    const plain = renderer({ terminal: true, env: { NO_COLOR: '1' } });
    plain.report.event('plan', planned);
    assert.ok(!plain.io.out().includes(ESC));
    const forced = renderer({ env: { FORCE_COLOR: '1' } });
    forced.report.event('plan', planned);
    assert.ok(forced.io.out().includes(`${ESC}[32m+new${ESC}[0m`));
  });

  it('lets nothing that a machine says steer the terminal', () => {
    const { io, report } = renderer({ terminal: true, env: { NO_COLOR: '1' } });
    const hostile = '\x1b]0;title\x07\x9b2J\r\u202e';
    report.event('plan', {
      ...planned,
      resource: hostile,
      changes: [{ summary: hostile, diff: `+${hostile}\n` }],
    });
    report.event('apply', { type: 'notice', text: hostile });
    report.event('apply', { type: 'applied', resource: hostile, action: 'add', seconds: 1 });
    report.note(hostile);
    report.failure({ code: 'x', message: hostile, hint: hostile });
    report.summary('apply', counts);
    for (const character of hostile.matchAll(/[^ -~]/g))
      assert.ok(!(io.out() + io.err()).includes(character[0]));
    assert.match(io.out(), /\\u001b\]0;title\\u0007\\u009b2J\\u000d\\u202e/);
  });
});

describe('render --json', () => {
  it('prints one event a line on standard output, and nothing for people', async () => {
    const { io, clock, report } = renderer({ json: true, terminal: true });
    await report.step('Boot', async (detail) => {
      detail('sshd');
      clock.pass(1500);
    });
    report.event('plan', planned);
    report.event('plan', { type: 'result', ok: true, value: counts });
    report.print('for people\n');
    report.data({ type: 'status', url: 'https://10.77.0.2' });
    report.summary('plan', counts);
    report.failure({ code: 'locked', message: 'held', hint: 'wait' });
    const events = io
      .out()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(events, [
      { type: 'step', title: 'Boot', state: 'begin' },
      { type: 'progress', text: 'sshd' },
      { type: 'step', title: 'Boot', state: 'end', seconds: 1.5 },
      planned,
      { type: 'status', url: 'https://10.77.0.2' },
      { type: 'summary', verb: 'plan', ...counts },
      { type: 'error', code: 'locked', message: 'held', hint: 'wait' },
    ]);
    assert.equal(io.err(), '');
  });

  it('keeps text whole and harmless', () => {
    const { io, report } = renderer({ json: true });
    report.note('\x9b2J\u2028\n');
    assert.equal(io.out(), '{"type":"note","text":"\\u009b2J\\u2028\\n"}\n');
    assert.equal(JSON.parse(io.out()).text, '\x9b2J\u2028\n');
  });
});
