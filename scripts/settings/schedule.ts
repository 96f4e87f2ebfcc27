type Field = { name: string; from: number; to: number; words?: string[] };

/** Those of crontab(5); 0 and 7 are Sunday. */
const fields: Field[] = [
  { name: 'minute', from: 0, to: 59 },
  { name: 'hour', from: 0, to: 23 },
  { name: 'day of the month', from: 1, to: 31 },
  {
    name: 'month',
    from: 1,
    to: 12,
    words: ['', 'jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  {
    name: 'day of the week',
    from: 0,
    to: 7,
    words: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'],
  },
];

/** The longest that months can be. */
const lengths = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** A schedule of five fields as crontab(5) has it, which every library of cron reads alike. */
export function schedule(text: string): string {
  const given = text.trim().split(/\s+/);
  if (given.length !== fields.length) {
    throw new RangeError(
      'is not a schedule such as "30 3 * * 1-5": minute, hour, day of the month, month, day of the week',
    );
  }
  const [, , days = [], months = []] = fields.map((field, index) => valuesOf(given[index] as string, field));
  const longest = Math.max(...months.map((month) => lengths[month - 1] as number));
  // Where a day of the week is given, too, either will do.
  if (given[4] === '*' && Math.min(...days) > longest) throw new RangeError('names a day that never comes');
  return given.join(' ');
}

function valuesOf(list: string, field: Field): number[] {
  const values = list.split(',').flatMap((part) => numbersOf(part, field));
  const repeated = values.find((value, index) => values.indexOf(value) < index);
  if (repeated === undefined) return values;
  throw new RangeError(`has ${repeated} more than once as its ${field.name}`);
}

/** `*`, `5`, `1-5`, `mon-fri`, the two with a star or a hyphen also with a step: `0-30/10`. */
function numbersOf(part: string, field: Field): number[] {
  const [, range = '', step] = /^([^/]+)(?:\/(\d{1,2}))?$/.exec(part) ?? [];
  const [first, last, ...more] =
    range === '*' ? [field.from, field.to] : range.split('-').map(numberIn(field));
  const several = last !== undefined;
  const fits = first !== undefined && more.length === 0 && (!several || first <= last);
  if (!fits || (step !== undefined && !(several && Number(step) >= 1))) throw wrong(part, field);
  const numbers = new Set<number>();
  for (let number = first; number <= (last ?? first); number += Number(step ?? 1))
    numbers.add(field.name === 'day of the week' ? number % 7 : number);
  return [...numbers];
}

function numberIn(field: Field): (text: string) => number {
  return (text) => {
    const word = field.words?.indexOf(text.toLowerCase()) ?? -1;
    const number = word >= 0 && text !== '' ? word : Number(/^\d{1,2}$/.test(text) ? text : Number.NaN);
    if (number >= field.from && number <= field.to) return number;
    throw wrong(text, field);
  };
}

function wrong(part: string, { name, from, to }: Field): RangeError {
  return new RangeError(
    `has ${JSON.stringify(part)} as its ${name}, which is ${from} to ${to}, a range, a list, * or */<step>`,
  );
}
