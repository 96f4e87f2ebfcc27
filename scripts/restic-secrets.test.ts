import assert from 'node:assert/strict';
import { parseSecrets } from './restic-secrets.ts';

describe('the secrets of a restic repository', () => {
  it('are a password alone, or variables by name', () => {
    assert.deepEqual(parseSecrets('correct horse = battery\n'), {
      RESTIC_PASSWORD: 'correct horse = battery',
    });
    assert.deepEqual(parseSecrets('# of the bucket\nRESTIC_PASSWORD=a=b\r\nAWS_ACCESS_KEY_ID=x\n'), {
      RESTIC_PASSWORD: 'a=b',
      AWS_ACCESS_KEY_ID: 'x',
    });
  });

  const refused: [text: string, why: RegExp][] = [
    ['', /RESTIC_PASSWORD is missing/],
    ['AWS_ACCESS_KEY_ID=hush\n', /RESTIC_PASSWORD is missing/],
    ['RESTIC_PASSWORD=hush\nhush\n', /line 2 is not NAME=value/],
    ['RESTIC_PASSWORD=hush\nRESTIC_PASSWORD_COMMAND=hush\n', /RESTIC_PASSWORD_COMMAND is not/],
    ['RESTIC_PASSWORD=hush\nLD_PRELOAD=hush\n', /LD_PRELOAD is not/],
  ];
  for (const [text, why] of refused) {
    it(`are refused without being shown: ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => parseSecrets(text),
        ({ message }: Error) => why.test(message) && !/hush/.test(message),
      );
    });
  }
});
