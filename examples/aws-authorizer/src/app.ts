// Three handlers: one says who gets in, and what it says of a client is in every later event of that client.

import { allow, deny, type Policy } from './policy.ts';

type Context = { readonly connectionId: string; readonly authorizer?: Readonly<Record<string, string>> };
type Event = {
  readonly requestContext: Context;
  readonly methodArn: string;
  readonly queryStringParameters?: Readonly<Record<string, string>>;
};

/** `token=<name>.<password>` */
export async function authorize({ queryStringParameters, methodArn }: Event): Promise<Policy> {
  const [name = '', password] = (queryStringParameters?.['token'] ?? '').split('.');
  if (name === 'nobody') throw new Error('Unauthorized'); // 401, where a policy that denies is 403
  return password === process.env['PASSWORD']
    ? allow(name, methodArn, { role: name === 'ada' ? 'admin' : 'guest' })
    : deny(name, methodArn);
}

export async function connect(): Promise<{ readonly statusCode: number }> {
  return { statusCode: 200 };
}

export async function whoAmI({ requestContext: { authorizer } }: Event): Promise<{ readonly statusCode: number; readonly body: string }> {
  return { statusCode: 200, body: JSON.stringify({ name: authorizer?.['principalId'], role: authorizer?.['role'] }) };
}
