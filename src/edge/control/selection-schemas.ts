import { Type } from 'typebox';
import { descriptionSchema } from '../../wire/description.ts';
import { ACCESS_ERRORS, errorSchema } from '../../wire/error-schemas.ts';

/** What the OpenAPI document says of selections. */
const selector = Type.Object(
  {
    id: Type.Optional(Type.String({ description: 'Ids joined by commas; overrides all other pairs.' })),
    all: Type.Optional(Type.Enum(['true'], { description: 'Selects every connection.' })),
    exclude: Type.Optional(Type.String({ description: 'An id that is left out.' })),
  },
  {
    additionalProperties: Type.String({
      description: 'A tag that must have this value; all pairs must match. Nothing given selects nothing.',
    }),
  },
);

const counts = Type.Union([
  Type.String({ description: 'As text: the number of connections.' }),
  Type.Object({
    matched: Type.Integer(),
    sent: Type.Integer(),
    failed: Type.Integer(),
    nodes: Type.Array(Type.Object({ node: Type.String(), matched: Type.Integer(), sent: Type.Integer(), failed: Type.Integer() })),
    unreachable: Type.Array(Type.String({ description: 'Names of nodes that did not answer in time.' })),
  }),
]);

const tags = ['selections'];

export const sendSchema = {
  operationId: 'sendToSelection',
  tags,
  summary: 'Push one message to every connection that matches',
  querystring: selector,
  response: { 200: counts, ...ACCESS_ERRORS, 413: errorSchema('MESSAGE_TOO_LONG: over MAX_MESSAGE_BYTES; nothing was sent.') },
};
export const setTagsSchema = {
  operationId: 'setTags',
  tags,
  summary: 'Set tags of every connection that matches; the body is urlencoded, an empty value deletes',
  querystring: selector,
  response: { 200: counts, ...ACCESS_ERRORS },
};
export const closeAllSchema = {
  operationId: 'closeSelection',
  tags,
  summary: 'Close every connection that matches; a body is sent first as a farewell',
  querystring: selector,
  response: { 200: counts, ...ACCESS_ERRORS },
};
export const countSchema = {
  operationId: 'count',
  tags,
  summary: 'How many connections match',
  querystring: selector,
  response: { 200: Type.String(), ...ACCESS_ERRORS },
};
export const treeSchema = {
  operationId: 'tree',
  tags,
  summary: 'Every tag key with its values',
  response: { 200: Type.Union([Type.String(), Type.Record(Type.String(), Type.Record(Type.String(), Type.Integer()))]), ...ACCESS_ERRORS },
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
  response: {
    200: Type.Union([
      Type.String(),
      Type.Object({ connections: Type.Array(descriptionSchema), next: Type.Union([Type.String(), Type.Null()]) }),
    ]),
    ...ACCESS_ERRORS,
  },
};
