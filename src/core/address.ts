/**
 * What an id that its client chose is called among the processes of the gateway: ids are unique within a namespace only, so
 * tables, claims and commands go by the namespace and the id together, while events and descriptions show the id alone.
 *
 * A namespace is empty, or begins with `/`, goes on and holds no `//`: the first `//` ends it. Without one the id stays as it
 * is, unless it begins with `/`, too. So no two pairs have one address, and none is that of an id that the gateway gave
 * (docs/decisions/0007-addresses.md).
 */
export function addressOf(namespace: string, id: string): string {
  return namespace === '' && !id.startsWith('/') ? id : `${namespace}//${id}`;
}
