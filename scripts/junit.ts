import { checkOf, type Finding } from '../provisioning/verify/finding.ts';

export type Suite = { host: string; findings: Finding[]; seconds: number; at: Date };

/** JUnit XML as CI systems read it: a suite a host, a case a finding; a warning passes and is in its output. */
export function junit(suites: Suite[]): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="berth verify"${totals(suites.flatMap(({ findings }) => findings))}>`,
    ...suites.flatMap(suiteLines),
    '</testsuites>',
    '',
  ].join('\n');
}

function suiteLines({ host, findings, seconds, at }: Suite): string[] {
  const attributes = `name="${escaped(host)}"${totals(findings)} errors="0" time="${seconds}" timestamp="${at.toISOString()}"`;
  return [`  <testsuite ${attributes}>`, ...findings.flatMap(caseLines), '  </testsuite>'];
}

function totals(findings: Finding[]): string {
  const count = (wanted: Finding['status']) => findings.filter(({ status }) => status === wanted).length;
  return ` tests="${findings.length}" failures="${count('fail')}" skipped="${count('skip')}"`;
}

function caseLines({ id, title, status, evidence, fix, reference }: Finding): string[] {
  const begin = `    <testcase classname="${escaped(checkOf(id))}" name="${escaped(`${id}: ${title}`)}" time="0"`;
  if (status === 'skip')
    return [`${begin}>`, `      <skipped message="${escaped(evidence)}"/>`, '    </testcase>'];
  if (status === 'pass') return [`${begin}/>`];
  const text = escaped(`${evidence}\nnext: ${fix}\n${reference}`);
  const element =
    status === 'fail'
      ? ['failure', ` message="${escaped(evidence)}" type="${escaped(id)}"`]
      : ['system-out', ''];
  return [`${begin}>`, `      <${element[0]}${element[1]}>${text}</${element[0]}>`, '    </testcase>'];
}

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\n': '&#10;',
};

/** Characters that XML 1.0 has no place for at all (section 2.2) become a question mark. */
function escaped(text: string): string {
  return (
    text
      .toWellFormed()
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
      .replace(/[\0-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]/g, '?')
      .replace(/[&<>"\n]/g, (character) => entities[character] ?? '')
  );
}
