import { Type } from 'typebox';

const word = (description: string) => Type.String({ description });

export const rawPushSchema = {
  operationId: 'rawPush',
  tags: ['commands'],
  summary: 'Push one message to a client that chose its id (dialect raw)',
  params: Type.Object({ id: Type.String({ description: 'The id that the client chose, as one path segment.' }) }),
  produces: ['text/plain'],
  response: {
    200: word('ok'),
    202: word('ok: its connect call is still being answered, sent right after the upgrade'),
    400: word('The body of a text push is not UTF-8.'),
    404: word('not found: nothing was sent'),
    413: word('message too long: nothing was sent'),
    429: word('slow client: nothing was sent, see Retry-After'),
    503: word('unavailable: see Retry-After'),
  },
};
