import { Type, type TSchema } from 'typebox';
import { DESCRIBED, descriptionSchema } from '../../wire/description.ts';
import { ACCESS_ERRORS, BODY_ERRORS, errorSchema, INCOMPLETE, messageBody, textAnswer } from '../../wire/error-schemas.ts';

/** What the OpenAPI document says of selections. */
const ids = (description: string) => Type.Optional(Type.Array(Type.String(), { description: `${description} Joined by commas.` }));

const selector = {
  id: ids('Ids; they override all other pairs.'),
  all: Type.Optional(Type.Enum(['true'], { description: 'Selects every connection.' })),
  exclude: ids('Ids that are left out.'),
  // an object in a query is written as its pairs: the name of this parameter is never sent (OpenAPI 3.1, style form)
  tags: Type.Optional(
    Type.Record(Type.String(), Type.String(), {
      description:
        'Any other pair is a tag that must have this value; all pairs must match, and no name may come twice. Nothing given selects nothing.',
      examples: [{ room: '1' }],
    }),
  ),
};
const selected = Type.Object(selector);

const count = Type.Integer({ minimum: 0 });
const counts = Type.Object(
  {
    matched: count,
    sent: Type.Integer({ minimum: 0, description: 'Sent to, really changed, or closed.' }),
    failed: count,
    nodes: Type.Array(Type.Object({ node: Type.String(), matched: count, sent: count, failed: count }, { title: 'NodeCounts' })),
    unreachable: Type.Array(Type.String({ description: 'Names of nodes that did not answer in time.' })),
  },
  {
    title: 'Counts',
    examples: [{ matched: 3, sent: 2, failed: 1, nodes: [{ node: 'gateway-1', matched: 3, sent: 2, failed: 1 }], unreachable: [] }],
  },
);
const tree = Type.Record(Type.String(), Type.Record(Type.String(), Type.Integer()), {
  title: 'Tree',
  description: 'Of each tag key its values, with the number of connections.',
  examples: [{ room: { 1: 2, 2: 1 } }],
});
const page = Type.Object(
  {
    connections: Type.Array(descriptionSchema),
    next: Type.Union([Type.String(), Type.Null()], { description: 'The `cursor` of the next page; null: there is none.' }),
  },
  { title: 'StatusPage', examples: [{ connections: [DESCRIBED], next: null }] },
);

/** Words, unless `Accept` asks for JSON. */
const either = (description: string, example: string, schema: TSchema) => {
  const { content, ...words } = textAnswer(description, example, INCOMPLETE);
  return { ...words, content: { ...content, 'application/json': { schema } } };
};
const counted = (what: string) =>
  either(`The number of connections ${what}; with \`Accept: application/json\` who makes it up.`, '2', counts);

const tags = ['selections'];

export const sendSchema = {
  operationId: 'sendToSelection',
  tags,
  summary: 'Push one message to every connection that matches',
  querystring: selected,
  requestBody: messageBody,
  response: {
    200: counted('that it was sent to'),
    ...ACCESS_ERRORS,
    ...BODY_ERRORS,
  },
};
export const setTagsSchema = {
  operationId: 'setTags',
  tags,
  summary: 'Set tags of every connection that matches; an empty value deletes',
  querystring: selected,
  requestBody: {
    required: true,
    description: 'Tags and their new values: at most 1,000, each name once.',
    content: {
      'application/x-www-form-urlencoded': {
        schema: Type.Record(Type.String(), Type.String(), { title: 'Tags' }),
        example: { seen: '1', old: '' },
      },
    },
  },
  response: { 200: counted('changed'), ...ACCESS_ERRORS, ...BODY_ERRORS },
};
export const closeAllSchema = {
  operationId: 'closeSelection',
  tags,
  summary: 'Close every connection that matches; a body is sent first as a farewell',
  querystring: Type.Object({
    ...selector,
    closeCode: Type.Optional(Type.Integer({ description: '1000 (default), 1001, 1003, 1007 to 1014 or 3000 to 4999.', examples: [4001] })),
    closeReason: Type.Optional(Type.String({ description: 'At most 123 bytes. Default: `Closed by server`.' })),
  }),
  requestBody: messageBody,
  response: {
    200: counted('closed'),
    ...ACCESS_ERRORS,
    ...BODY_ERRORS,
    413: errorSchema('MESSAGE_TOO_LONG: the farewell is over MAX_MESSAGE_BYTES; nothing was sent, nobody closed.'),
  },
};
export const countSchema = {
  operationId: 'count',
  tags,
  summary: 'How many connections match',
  querystring: selected,
  response: { 200: textAnswer('A number.', '2', INCOMPLETE), ...ACCESS_ERRORS },
};
export const treeSchema = {
  operationId: 'tree',
  tags,
  summary: 'Every tag key with its values',
  response: { 200: either('A line per key with its values.', 'room: 1 2\n', tree), ...ACCESS_ERRORS },
};
export const statusSchema = {
  operationId: 'status',
  tags,
  summary: 'Every connection: as text a line each, as JSON in pages',
  querystring: Type.Object({
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10_000, description: 'Of a page; JSON has 1000 if nothing is said, text has no limit.' }),
    ),
    cursor: Type.Optional(Type.String({ description: 'The `next` of the page before.' })),
  }),
  response: { 200: either('A line per connection.', 'id=5ZZ67aPd18ceCkFuaAowW46QFZU9Do room=1\n', page), ...ACCESS_ERRORS },
};
