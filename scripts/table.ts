import { neutral } from './terminal.ts';

/** Rows in columns under their headings; what a machine said in them is made safe to print. */
export function table(headings: string[], rows: string[][]): string {
  const safe = [headings, ...rows.map((row) => row.map((cell) => neutral(cell).replaceAll('\n', ' ')))];
  const widths = headings.map((_, column) => Math.max(...safe.map((row) => (row[column] ?? '').length)));
  return safe
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

/** `2026-11-21 09:34:20`, of a time as ISO 8601 in UTC. */
export function instant(iso: string): string {
  return iso.replace('T', ' ').replace(/\..*$/, '');
}

/** `12 KiB`, `96 MiB`, `1.2 GiB`. */
export function bytesText(bytes: number): string {
  if (bytes < 100 * 1024) return `${Math.ceil(bytes / 1024)} KiB`;
  const mib = bytes / 1024 ** 2;
  return mib < 1000 ? `${mib < 10 ? mib.toFixed(1) : Math.round(mib)} MiB` : `${(mib / 1024).toFixed(1)} GiB`;
}

/** `42s`, `5m`, `3h`, `12d`. */
export function spanText(seconds: number): string {
  const [unit, length] = units.find(([, length]) => seconds >= length) ?? ['s', 1];
  return `${Math.floor(seconds / length)}${unit}`;
}

const units: [unit: string, seconds: number][] = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
];
