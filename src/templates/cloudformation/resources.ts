import type { Cursor } from '../cursor.ts';

/** A resource of a stack. */
export type Resource = {
  readonly id: string;
  readonly type: string;
  readonly properties: Cursor;
  readonly metadata: Cursor;
  readonly cursor: Cursor;
};

/** The resources of a stack by their logical ids, without those whose condition is false. */
export type Resources = ReadonlyMap<string, Resource>;

export function resourcesOf(section: Cursor, isMet: (condition: string, at: Cursor) => boolean): Resources {
  const found = section.entries().flatMap(([id, cursor]) => {
    const condition = cursor.get('Condition');
    const name = condition.text();
    if (name !== null && !isMet(name, condition)) return [];
    const type = cursor.get('Type').text() ?? '';
    return [[id, { id, type, properties: cursor.get('Properties'), metadata: cursor.get('Metadata'), cursor }] as const];
  });
  return new Map(found);
}

export function ofType(resources: Resources, ...types: readonly string[]): Resource[] {
  return [...resources.values()].filter(({ type }) => types.includes(type));
}
