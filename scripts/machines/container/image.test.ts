import assert from 'node:assert/strict';
import { buildFailure } from './image.ts';
import { buildArgv, fingerprint, recipeFor } from './recipe.ts';
import { carriedSettings } from './surroundings.ts';

const surroundings = {
  mirror: { main: 'http://mirror.example/debian', security: 'http://mirror.example/debian-security' },
  certificates: { 'corp.crt': 'PEM' },
  aptSettings: [],
};

describe('an image', () => {
  it('takes its packages from the computer’s own mirror', () => {
    assert.deepEqual(recipeFor('debian-13', surroundings).sources, [
      'deb http://mirror.example/debian trixie main',
      'deb http://mirror.example/debian trixie-updates main',
      'deb http://mirror.example/debian-security trixie-security main',
    ]);
  });

  it('has no security suite where the computer has none, and mmdebstrap’s choice where it has no mirror', () => {
    assert.equal(
      recipeFor('debian-12', { ...surroundings, mirror: { main: 'http://x/debian' } }).sources.length,
      2,
    );
    const recipe = recipeFor('debian-12', { ...surroundings, mirror: undefined });
    assert.equal(buildArgv(recipe, 'out.tar').at(-1), 'out.tar');
  });

  it('is another one as soon as anything that goes into it changes', () => {
    const prints = [
      recipeFor('debian-13', surroundings),
      recipeFor('debian-12', surroundings),
      recipeFor('debian-13', { ...surroundings, certificates: { 'corp.crt': 'NEW' } }),
      recipeFor('debian-13', { ...surroundings, mirror: { main: 'http://other/debian' } }),
    ].map(fingerprint);
    assert.equal(new Set(prints).size, prints.length);
    assert.equal(fingerprint(recipeFor('debian-13', surroundings)), prints[0]);
  });

  it('carries proxies and dates of the computer’s apt, and nothing else', () => {
    const dump = [
      'Acquire::http::Proxy "http://proxy.example:3128";',
      'Acquire::https::Proxy::internal.example "DIRECT";',
      'Acquire::Check-Valid-Until "false";',
      'Acquire::http::Proxy "";',
      'DPkg::Post-Invoke:: "rm -rf /";',
      'Acquire::AllowInsecureRepositories "1";',
    ].join('\n');
    assert.deepEqual(carriedSettings(dump), dump.split('\n').slice(0, 3));
  });

  it('fails as unreachable when packages could not be fetched, naming only what failed', () => {
    const error = buildFailure(
      'trixie',
      `I: running apt-get update...
W: Failed to fetch http://mirror.example/debian/dists/trixie/InRelease  Could not resolve 'mirror.example'
E: Some index files failed to download. They have been ignored, or old ones used instead.
E: apt-get update failed`,
    );
    assert.equal(error.code, 'mirror_unreachable');
    assert.match(error.message, /Could not resolve 'mirror.example'$/);
  });

  it('fails with the end of what was said otherwise', () => {
    const error = buildFailure(
      'trixie',
      'I: extracting archives...\nE: cannot write: No space left on device\n',
    );
    assert.equal(error.code, 'image_build_failed');
    assert.match(error.message, /No space left on device$/);
  });
});
