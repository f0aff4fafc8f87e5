/** What a policy says of one resource; `malformed`: nothing, as it cannot be understood. */
export type PolicyVerdict = { readonly type: 'allow' | 'deny' } | { readonly type: 'malformed'; readonly because: string };

const ACTION = 'execute-api:invoke';
/** What would make a statement hold less often, or for other things, and is not understood here: such a policy lets nobody in. */
const NOT_UNDERSTOOD = ['Condition', 'NotAction', 'NotResource', 'NotPrincipal'];

type Statement = { readonly effect: 'Allow' | 'Deny'; readonly actions: readonly string[]; readonly resources: readonly string[] };

/** May this resource be invoked? A Deny that matches wins; else an Allow must match. */
export function judge(policyDocument: unknown, resource: string): PolicyVerdict {
  if (!isObject(policyDocument)) return malformed('policyDocument is no object');
  const { Statement: written } = policyDocument;
  if (written === undefined) return malformed('policyDocument has no Statement');
  let isAllowed = false;
  let isDenied = false;
  for (const one of Array.isArray(written) ? (written as readonly unknown[]) : [written]) {
    const statement = readStatement(one);
    if (typeof statement === 'string') return malformed(statement);
    if (!matches(statement, resource)) continue;
    if (statement.effect === 'Allow') isAllowed = true;
    else isDenied = true;
  }
  return { type: isAllowed && !isDenied ? 'allow' : 'deny' };
}

/** A text says what is wrong. */
function readStatement(written: unknown): Statement | string {
  if (!isObject(written)) return 'a Statement is no object';
  const odd = NOT_UNDERSTOOD.find((name) => written[name] !== undefined);
  if (odd !== undefined) return `a Statement has ${odd}, which is not understood here`;
  const { Effect: effect, Action: action, Resource: resource } = written;
  if (effect !== 'Allow' && effect !== 'Deny') return 'the Effect of a Statement is neither Allow nor Deny';
  const actions = textsOf(action);
  const resources = textsOf(resource);
  if (actions === null) return 'the Action of a Statement is no text and no list of texts';
  if (resources === null) return 'the Resource of a Statement is no text and no list of texts';
  return { effect, actions, resources };
}

function matches({ actions, resources }: Statement, resource: string): boolean {
  return actions.some((action) => isLike(ACTION, action.toLowerCase())) && resources.some((pattern) => isLike(resource, pattern));
}

/** `*` stands for any text, also an empty one and over slashes, `?` for one character. Takes time in proportion to both lengths at most. */
export function isLike(text: string, pattern: string): boolean {
  let at = 0;
  let next = 0;
  let star = -1;
  let starAt = 0;
  while (at < text.length) {
    const wanted = pattern[next];
    if (wanted === '*') {
      star = next;
      starAt = at;
      next += 1;
    } else if (wanted !== undefined && (wanted === '?' || wanted === text[at])) {
      at += 1;
      next += 1;
    } else if (star >= 0) {
      starAt += 1;
      at = starAt;
      next = star + 1;
    } else return false;
  }
  while (pattern[next] === '*') next += 1;
  return next === pattern.length;
}

function textsOf(value: unknown): readonly string[] | null {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) && value.every((one) => typeof one === 'string') ? value : null;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function malformed(because: string): PolicyVerdict {
  return { type: 'malformed', because };
}
