import { plans, rootFile } from '../../test/resource-rows.ts';
import { trustedAuthorities } from './authorities.ts';

const one = '/usr/local/share/ca-certificates/berth-48e69f28753d.crt';
const there = { stat: rootFile, content: 'PEM one\n' };
plans('trusted authorities', trustedAuthorities(['PEM one']), [
  [
    { files: { [one]: { stat: null, content: null } }, bundle: null },
    [`write ${one}`, 'update-ca-certificates --fresh'],
  ],
  [{ files: { [one]: there }, bundle: 'others\nPEM one\n' }, []],
  [{ files: { [one]: there }, bundle: 'others\n' }, ['update-ca-certificates --fresh']],
  [
    { files: { [one]: there, '/other.crt': there }, bundle: 'PEM one\n' },
    ['remove /other.crt', 'update-ca-certificates --fresh'],
  ],
]);
