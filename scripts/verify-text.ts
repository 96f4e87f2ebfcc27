import type { Finding } from '../provisioning/verify/finding.ts';
import { type Colour, oneLine, type Paint } from './terminal.ts';
import type { Seen, Verified } from './verify.ts';

/** The worst first; what passed comes last, a line each. */
const order: [status: Finding['status'], sign: string, colour: Colour, word: string][] = [
  ['fail', '✗', 'red', 'failed'],
  ['warn', '!', 'yellow', 'to look at'],
  ['skip', '-', 'dim', 'skipped'],
  ['pass', '✓', 'green', 'passed'],
];

/** Every finding for people, and a closing line. */
export function verifiedText({ findings, seconds }: Verified, paint: Paint, columns: number): string {
  const width = Math.max(...findings.map(({ id }) => id.length));
  const lines = order.flatMap(([status, sign, colour]) =>
    findings
      .filter((finding) => finding.status === status)
      .flatMap((finding) => linesOf(finding, { sign: paint(colour, sign), paint, width, columns })),
  );
  return [...lines, closing(findings, seconds)].map((line) => `${line}\n`).join('');
}

type Look = { sign: string; paint: Paint; width: number; columns: number };

function linesOf(finding: Seen, { sign, paint, width, columns }: Look): string[] {
  const { id, status, title, evidence, fix, reference } = finding;
  const begin = `${sign} ${paint('bold', oneLine(id, width).padEnd(width))}  `;
  const room = columns - width - 4;
  if (status === 'pass' || status === 'skip') {
    const text = oneLine(title, room);
    const rest = room - text.length - 2;
    return [`${begin}${text}${rest > 12 ? paint('dim', `  ${oneLine(evidence, rest)}`) : ''}`];
  }
  const indent = ' '.repeat(width + 4);
  return [
    `${begin}${oneLine(title, 500)}`,
    `${indent}${oneLine(evidence, 1000)}`,
    `${indent}${paint('bold', 'next:')} ${oneLine(fix, 500)} ${paint('dim', `(${oneLine(reference, 200)})`)}`,
  ];
}

function closing(findings: Seen[], seconds: number): string {
  const counts = countsOf(findings);
  const said = order.toReversed().map(([status, , , word]) => `${counts[status]} ${word}`);
  return `${said.join(', ')} in ${seconds.toFixed(1)} s`;
}

export function countsOf(findings: Finding[]): Record<Finding['status'], number> {
  const counts = { pass: 0, warn: 0, fail: 0, skip: 0 };
  for (const { status } of findings) counts[status] += 1;
  return counts;
}
