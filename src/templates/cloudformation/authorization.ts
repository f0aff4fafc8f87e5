import type { UnmappedAuthorizer } from '../aws-api.ts';
import type { Cursor } from '../cursor.ts';
import type { Notes } from '../notes.ts';

/** Does a template say that not everybody may connect? */
export function isAuthorized(type: Cursor): boolean {
  return type.isGiven && type.text() !== 'NONE';
}

/** A way to decide that is AWS's own: the signatures of IAM, or one that is not known here. */
export function unmapped(type: Cursor, notes: Notes): UnmappedAuthorizer {
  notes.add(
    type.place,
    type.path,
    `${type.text() === 'AWS_IAM' ? 'signatures of clients are' : `${type.text() ?? 'this'} is`} not checked here`,
  );
  return { target: null, place: type.place };
}
