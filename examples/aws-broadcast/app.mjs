// The CDK app that `cdk.out` was made of, by `cdk synth`. The gateway reads `cdk.out` only:
//   wsaas dev examples/aws-broadcast/cdk.out        (or: node dist/main.js dev …)

import { App, CfnParameter, Stack } from 'aws-cdk-lib';
import { WebSocketApi, WebSocketStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { WebSocketLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';

const app = new App({ outdir: 'cdk.out', analyticsReporting: false, treeMetadata: false });
const stack = new Stack(app, 'AwsBroadcast');
const table = new CfnParameter(stack, 'Table', { type: 'String', default: 'aws-broadcast-listeners' });
const handler = new LambdaFunction(stack, 'Broadcast', {
  runtime: Runtime.NODEJS_22_X,
  handler: 'broadcast.handler',
  code: Code.fromAsset('handlers'),
  environment: { TABLE: table.valueAsString },
});
const route = (name) => ({ integration: new WebSocketLambdaIntegration(name, handler) });
const api = new WebSocketApi(stack, 'Api', {
  connectRouteOptions: route('OnConnect'),
  disconnectRouteOptions: route('OnDisconnect'),
  defaultRouteOptions: route('OnMessage'),
});
api.addRoute('leave', route('OnLeave'));
// oxlint-disable-next-line no-new -- so the CDK adds to a stack
new WebSocketStage(stack, 'Prod', { webSocketApi: api, stageName: 'prod', autoDeploy: true });
app.synth();
