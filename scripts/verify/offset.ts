import { advise, judge } from '../../provisioning/verify/finding.ts';
import type { OutsideCheck, Target } from './target.ts';

const rule = {
  id: 'offset.clock',
  title: 'the machine’s clock and this computer’s agree',
  fix: 'timedatectl on both; the one without a time server is wrong',
  reference: 'CIS Debian 12 2.3',
};
/** Milliseconds: what an answer may take to be read on a busy computer, and what breaks tokens and certificates. */
const bounds = { warn: 10_000, fail: 30_000 };

/** The machine says its time with its answer; the way here takes some milliseconds of it. */
export const offset: OutsideCheck = { id: 'offset', run };

async function run({ inside }: Target) {
  const { aheadMs } = await inside;
  const by = Math.abs(aheadMs);
  const text = `${(by / 1000).toFixed(1)} s ${aheadMs < 0 ? 'behind' : 'ahead'}`;
  return [by > bounds.fail ? judge(rule, [text], '') : advise(rule, by > bounds.warn ? [text] : [], text)];
}
