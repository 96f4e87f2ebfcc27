import assert from 'node:assert/strict';
import { BerthError } from '../../../provisioning/errors.ts';
import type { Report } from '../../report.ts';
import { failure, type Message, messagesToReport, reportAsMessages } from './messages.ts';

function recorder(): Report & { lines: string[] } {
  const lines: string[] = [];
  return {
    lines,
    note: (text) => lines.push(text),
    step: async (title, work) => {
      lines.push(`> ${title}`);
      try {
        const value = await work((text) => lines.push(`  ${text}`));
        lines.push(`ok ${title}`);
        return value;
      } catch (error) {
        lines.push(`failed ${title}`);
        throw error;
      }
    },
  };
}

describe('a report that travels between processes', () => {
  it('shows the same on the other side', async () => {
    const shown = recorder();
    const played = messagesToReport(shown);
    const report = reportAsMessages((message) => played.take(JSON.parse(JSON.stringify(message)) as Message));
    await report.step('unpacks', async (detail) => detail('half'));
    report.note('by the way');
    await assert.rejects(report.step('boots', () => Promise.reject(new Error('no'))));
    await played.end();
    assert.deepEqual(shown.lines.toSorted(), [
      '  half',
      '> boots',
      '> unpacks',
      'by the way',
      'failed boots',
      'ok unpacks',
    ]);
  });

  it('ends the steps of a side that was killed', async () => {
    const shown = recorder();
    const played = messagesToReport(shown);
    played.take({ type: 'begin', step: 1, title: 'unpacks' });
    await played.end();
    assert.deepEqual(shown.lines, ['> unpacks', 'failed unpacks']);
  });

  it('carries a failure with its code and hint', () => {
    assert.deepEqual(failure(new BerthError('disk_full', 'no room', 'make some')), {
      type: 'failed',
      code: 'disk_full',
      message: 'no room',
      hint: 'make some',
    });
    assert.equal((failure(new TypeError('x')) as { code: string }).code, 'unexpected');
  });
});
