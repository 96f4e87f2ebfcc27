import assert from 'node:assert/strict';
import { parseDotenv } from './dotenv.ts';

describe('a .env file', () => {
  it('is read with its comments, quotes and exports', () => {
    const text = String.raw`# a comment
A=plain
export B=exported
  C = spaced out   # and a comment
D='single $HOME "quotes" \n # stay'
E="double \"quotes\" \\ \$HOME and 'others' # stay" # not this
F=
G=""
H=a=b==
`;
    assert.deepEqual(parseDotenv(`\uFEFF${text}`.replaceAll('\n', '\r\n'), '.env'), {
      A: 'plain',
      B: 'exported',
      C: 'spaced out',
      D: 'single $HOME "quotes" \\n # stay',
      E: `double "quotes" \\ $HOME and 'others' # stay`,
      F: '',
      G: '',
      H: 'a=b==',
    });
  });

  it('takes the last of two', () => assert.deepEqual(parseDotenv('A=1\nA=2\n', '.env'), { A: '2' }));

  it('gives a line break of double quotes on, for its name to be refused', () => {
    assert.deepEqual(parseDotenv('A="1\\n2"', '.env'), { A: '1\n2' });
  });

  const refused: [what: string, text: string, message: RegExp][] = [
    ['no variable', 'hunter2\n', /^\.env:1 the line is not NAME=value$/],
    ['a value over several lines', 'OK=1\nKEY="-----BEGIN\nhunter2"\n', /^\.env:2 KEY begins with a quote/],
    ['what comes after a quote', "A='hunter2'x", /^\.env:1 A begins with a quote/],
    ['a backtick', 'A=`hunter2`', /backtick/],
    ['a # that some cut at and some do not', 'A=hunter2#x', /^\.env:1 A has a # in it/],
  ];
  for (const [what, text, message] of refused) {
    it(`is refused for ${what}, without the value`, () => {
      assert.throws(
        () => parseDotenv(text, '.env'),
        (error: Error) => {
          assert.match(error.message, message);
          assert.doesNotMatch(error.message, /hunter2/);
          return true;
        },
      );
    });
  }
});
