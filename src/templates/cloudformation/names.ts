import { createHash } from 'node:crypto';
import { ACCOUNT_ID } from '../aws-api.ts';
import type { Resource, Resources } from './resources.ts';

type Kind = {
  /** The property that names it. */
  readonly named: string;
  /** The last parts of its ARN; null: it has none. */
  readonly arn: ((place: string, name: string) => string) | null;
  /** What `Ref` gives. Default: the name. */
  readonly ref?: 'arn' | 'url';
};

const TABLE: Kind = { named: 'TableName', arn: (place, name) => `dynamodb:${place}:table/${name}` };
const FUNCTION: Kind = { named: 'FunctionName', arn: (place, name) => `lambda:${place}:function:${name}` };

/** Kinds of resources that handlers are told of. */
const KINDS: Readonly<Record<string, Kind>> = {
  'AWS::DynamoDB::Table': TABLE,
  'AWS::DynamoDB::GlobalTable': TABLE,
  'AWS::Serverless::SimpleTable': TABLE,
  'AWS::Lambda::Function': FUNCTION,
  'AWS::Serverless::Function': FUNCTION,
  'AWS::SQS::Queue': { named: 'QueueName', arn: (place, name) => `sqs:${place}:${name}`, ref: 'url' },
  'AWS::SNS::Topic': { named: 'TopicName', arn: (place, name) => `sns:${place}:${name}`, ref: 'arn' },
  'AWS::S3::Bucket': { named: 'BucketName', arn: (_place, name) => `s3:::${name}` },
  'AWS::Kinesis::Stream': { named: 'Name', arn: (place, name) => `kinesis:${place}:stream/${name}` },
  'AWS::Events::EventBus': { named: 'Name', arn: (place, name) => `events:${place}:event-bus/${name}` },
  'AWS::ApiGatewayV2::Stage': { named: 'StageName', arn: null },
};

export const API_TYPES: readonly string[] = ['AWS::ApiGatewayV2::Api', 'AWS::Serverless::WebSocketApi'];
/** What an API has without a word of its stage (SAM). */
export const SAM_DEFAULT_STAGE = 'default';

/** What the account would call a stack's resources, as far as a template tells it. Where it does not, the logical id stands for the name. */
export class Names {
  readonly #resources: () => Resources;
  readonly #region: string;

  constructor(resources: () => Resources, region: string) {
    this.#resources = resources;
    this.#region = region;
  }

  /** What `Ref` gives; null: there is no such resource. */
  ref(id: string): string | null {
    const [owner = '', generated] = id.split('.');
    const resource = this.#resources().get(owner);
    if (resource === undefined) return null;
    if (generated !== undefined) return this.#generated(resource, generated);
    if (API_TYPES.includes(resource.type)) return apiIdOf(owner);
    if (resource.type === 'AWS::Lambda::Alias' || resource.type === 'AWS::Lambda::Version') return this.#qualified(resource);
    const kind = KINDS[resource.type];
    if (kind?.ref === 'arn') return this.#arn(resource);
    const name = this.nameOf(resource);
    return kind?.ref === 'url' ? `https://sqs.${this.#region}.amazonaws.com/${ACCOUNT_ID}/${name}` : name;
  }

  /** What `Fn::GetAtt` gives; null: only a deployment tells. */
  attribute(id: string, attribute: string): string | null {
    const resource = this.#resources().get(id);
    if (resource === undefined) return null;
    if (API_TYPES.includes(resource.type)) {
      if (attribute === 'ApiId') return apiIdOf(id);
      return attribute === 'ApiEndpoint' ? `wss://${this.hostOf(apiIdOf(id))}` : null;
    }
    if (attribute === 'Arn' || attribute === 'TopicArn') return this.#arn(resource);
    if (attribute === 'QueueUrl') return this.ref(id);
    return attribute === 'Name' || attribute === KINDS[resource.type]?.named ? this.nameOf(resource) : null;
  }

  nameOf({ id, type, properties }: Resource): string {
    const kind = KINDS[type];
    return (kind === undefined ? null : properties.get(kind.named).text()) ?? id;
  }

  /** The host of AWS that the API would answer on. */
  hostOf(apiId: string): string {
    return `${apiId}.execute-api.${this.#region}.amazonaws.com`;
  }

  #arn(resource: Resource): string | null {
    if (resource.type === 'AWS::Lambda::Alias' || resource.type === 'AWS::Lambda::Version') return this.#qualified(resource);
    const arn = KINDS[resource.type]?.arn;
    return arn ? `arn:aws:${arn(`${this.#region}:${ACCOUNT_ID}`, this.nameOf(resource))}` : null;
  }

  /** A function with an alias or a version: where it runs here there is one only. */
  #qualified({ id, properties }: Resource): string {
    const name = properties.get('FunctionName').text() ?? id;
    const arn = name.startsWith('arn:') ? name : `arn:aws:lambda:${this.#region}:${ACCOUNT_ID}:function:${name}`;
    return `${arn}:${properties.get('Name').text() ?? '1'}`;
  }

  /** SAM's own: `Function.Alias`, `Function.Version`, `Api.Stage`. */
  #generated(resource: Resource, generated: string): string | null {
    if (generated === 'Alias' || generated === 'Version') return this.#arn(resource);
    return generated === 'Stage' ? (resource.properties.get('StageName').text() ?? SAM_DEFAULT_STAGE) : null;
  }
}

/** Ten characters, as AWS's ids have; equal for equal templates. */
export function apiIdOf(id: string): string {
  const digest = createHash('sha256').update(id).digest('hex').slice(0, 16);
  return BigInt(`0x${digest}`).toString(36).padStart(10, '0').slice(0, 10);
}
