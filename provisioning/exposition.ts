/** One line of what an application says of itself. */
export type Sample = { name: string; labels: Record<string, string>; value: number };

/** Reads Prometheus' text format (https://prometheus.io/docs/instrumenting/exposition_formats/); what is none is left out. */
export function parseExposition(text: string): Sample[] {
  return text.split('\n').flatMap((line) => {
    const [, name, labels = '', value = ''] =
      /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: -?\d+)?$/.exec(line) ?? [];
    const number = value === '' ? Number.NaN : Number(value.replace('Inf', 'Infinity'));
    return name === undefined || Number.isNaN(number)
      ? []
      : [{ name, labels: labelsOf(labels), value: number }];
  });
}

function labelsOf(text: string): Record<string, string> {
  const pairs = [...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
  return Object.fromEntries(pairs.map(([, name, value = '']) => [name, unescaped(value)]));
}

function unescaped(value: string): string {
  return value.replace(/\\(.)/g, (_, character) => (character === 'n' ? '\n' : character));
}
