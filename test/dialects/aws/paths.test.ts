import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { plainTarget } from '../../../src/dialects/aws/paths.ts';

fc.configureGlobal({ seed: 1 }); // a run finds what the last one found

function idIn(target: string): string {
  return target.slice(target.lastIndexOf('connections/') + 'connections/'.length);
}

test('@connections is one path, however it is spelt; everything else stays as it is', () => {
  for (const [target, plain] of [
    ['/prod/@connections/x%3D', '/prod/@connections/x%3D'],
    ['/prod//@connections/x%3D', '/prod/@connections/x%3D'],
    ['/%40connections/x?frame=text', '/@connections/x?frame=text'],
    ['//%40connections/x', '/@connections/x'],
    ['/gate/prod///@connections/x', '/gate/prod/@connections/x'],
    ['/chat?next=/%40connections/x', '/chat?next=/%40connections/x'],
    ['/connections/x', '/connections/x'],
    ['//chat', '//chat'],
    ['/@connections', '/@connections'],
    ['//%40connections//@connections/x', '/@connections//@connections/x'],
  ] as const)
    assert.equal(plainTarget(target), plain, target);
});

test('what is plain stays so, whatever a stranger sends, and query and id are never touched', () => {
  const part = fc.constantFrom('/', '//', '@', '%40', 'connections', 'connections/', 'prod', '?', 'x%3D', '%2F', '..');
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      const target = `/${parts.join('')}`;
      const plain = plainTarget(target);
      assert.equal(plainTarget(plain), plain);
      if (plain !== target) assert.ok(plain.endsWith(idIn(target)));
    }),
    { numRuns: 3_000 },
  );
});
