export type Policy = { readonly principalId: string; readonly policyDocument: object; readonly context?: Readonly<Record<string, string>> };

export function allow(principalId: string, resource: string, context: Readonly<Record<string, string>>): Policy {
  return { ...policy(principalId, 'Allow', resource), context };
}

export function deny(principalId: string, resource: string): Policy {
  return policy(principalId, 'Deny', resource);
}

function policy(principalId: string, effect: 'Allow' | 'Deny', resource: string): Policy {
  const statement = { Action: 'execute-api:Invoke', Effect: effect, Resource: resource };
  return { principalId, policyDocument: { Version: '2012-10-17', Statement: [statement] } };
}
