import { CLOSE_CODES } from '../../src/core/close-codes.ts';
import { ERRORS } from '../../src/wire/errors.ts';

export function errorTable(): string {
  const rows = Object.entries(ERRORS).map(([code, { status, meaning }]) => `| ${status} | \`${code}\` | ${meaning} |`);
  return ['| status | code | meaning |', '| --- | --- | --- |', ...rows].join('\n');
}

export function closeCodeTable(): string {
  const rows = Object.values(CLOSE_CODES).map(({ code, reconnect, when }) => `| ${code} | ${when} | ${reconnect ? 'yes' : 'no'} |`);
  return ['| code | when | come back? |', '| --- | --- | --- |', ...rows].join('\n');
}
