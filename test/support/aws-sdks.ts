import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { TestContext } from 'node:test';
import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GetConnectionCommand,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import ApiGatewayManagementApi from 'aws-sdk/clients/apigatewaymanagementapi.js';
import { findProgram } from '../examples/programs.ts';

export type SdkOptions = { readonly endpoint: string; readonly secretAccessKey?: string; readonly sessionToken?: string };

export const ACCESS_KEY_ID = 'AKIDEXAMPLE';
export const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
const REGION = 'eu-west-1';

/** What a user's program sees of a call: the name of the error, or the answer. */
export type SdkAnswer = { readonly status: number; readonly error: string | null; readonly connection?: Readonly<Record<string, unknown>> };

/** One of AWS's SDKs, as it is delivered: it retries nothing here, so that each test sees the first answer. */
export type Sdk = {
  readonly name: string;
  /** Why it cannot be used here, or false. */
  readonly missing: string | false;
  readonly client: (t: Pick<TestContext, 'after'>, options: SdkOptions) => SdkClient;
};

export type SdkClient = {
  readonly post: (connectionId: string, data: string | Buffer) => Promise<SdkAnswer>;
  readonly get: (connectionId: string) => Promise<SdkAnswer>;
  readonly remove: (connectionId: string) => Promise<SdkAnswer>;
};

async function toldByV3(answer: Promise<{ readonly $metadata: { readonly httpStatusCode?: number | undefined } }>): Promise<SdkAnswer> {
  try {
    const { $metadata, ...connection } = await answer;
    return { status: $metadata.httpStatusCode ?? 0, error: null, connection };
  } catch (error) {
    const { name, $metadata } = error as Error & { readonly $metadata?: { readonly httpStatusCode?: number } };
    return { status: $metadata?.httpStatusCode ?? 0, error: name };
  }
}

const v3: Sdk = {
  name: 'AWS SDK for JavaScript v3',
  missing: false,
  client(t, { endpoint, secretAccessKey = SECRET, sessionToken }) {
    const credentials = { accessKeyId: ACCESS_KEY_ID, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
    const client = new ApiGatewayManagementApiClient({ endpoint, region: REGION, credentials, maxAttempts: 1 });
    t.after(() => client.destroy());
    return {
      post: (ConnectionId, Data) => toldByV3(client.send(new PostToConnectionCommand({ ConnectionId, Data }))),
      get: (ConnectionId) => toldByV3(client.send(new GetConnectionCommand({ ConnectionId }))),
      remove: (ConnectionId) => toldByV3(client.send(new DeleteConnectionCommand({ ConnectionId }))),
    };
  },
};

const v2: Sdk = {
  name: 'AWS SDK for JavaScript v2',
  missing: false,
  client(_t, { endpoint, secretAccessKey = SECRET, sessionToken }) {
    const credentials = { accessKeyId: ACCESS_KEY_ID, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
    const client = new ApiGatewayManagementApi({ endpoint, region: REGION, credentials, maxRetries: 0 });
    type Request = { promise: () => Promise<{ readonly $response: { readonly httpResponse: { readonly statusCode: number } } }> };
    const told = async (request: Request): Promise<SdkAnswer> => {
      try {
        const { $response, ...connection } = await request.promise();
        return { status: $response.httpResponse.statusCode, error: null, connection };
      } catch (error) {
        const { code, statusCode } = error as { readonly code: string; readonly statusCode: number };
        return { status: statusCode, error: code };
      }
    };
    return {
      post: (ConnectionId, Data) => told(client.postToConnection({ ConnectionId, Data })),
      get: (ConnectionId) => told(client.getConnection({ ConnectionId })),
      remove: (ConnectionId) => told(client.deleteConnection({ ConnectionId })),
    };
  },
};

const SCRIPT = fileURLToPath(new URL('aws-boto3.py', import.meta.url));
const PYTHON = findProgram(['python3'], ['-c', 'import boto3']);

const boto3: Sdk = {
  name: 'boto3',
  missing: withoutBoto3(),
  /** One process for all calls of a client: a line of JSON asks, a line answers. */
  client(t, { endpoint, secretAccessKey = SECRET, sessionToken = '' }) {
    const child = spawn(PYTHON ?? 'python3', [SCRIPT, endpoint, REGION, ACCESS_KEY_ID, secretAccessKey, sessionToken], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    t.after(() => child.kill());
    const waiting: ((answer: SdkAnswer) => void)[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.(JSON.parse(line) as SdkAnswer));
    const ask = (question: object) =>
      new Promise<SdkAnswer>((resolve) => {
        waiting.push(resolve);
        child.stdin.write(`${JSON.stringify(question)}\n`);
      });
    return {
      post: (id, data) => ask({ call: 'post_to_connection', id, data: Buffer.from(data).toString('base64') }),
      get: (id) => ask({ call: 'get_connection', id }),
      remove: (id) => ask({ call: 'delete_connection', id }),
    };
  },
};

function withoutBoto3(): string | false {
  if (PYTHON !== null) return false;
  const reason = 'no python3 here has boto3: Debian has it in python3-boto3';
  if (process.env['CI'] === 'true') throw new Error(reason);
  return reason;
}

export const SDKS: readonly Sdk[] = [v3, v2, boto3];
