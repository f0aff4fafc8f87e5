import assert from 'node:assert/strict';
import { test } from 'node:test';
import { options } from '../../src/config/options.ts';
import type { OptionSchemas } from '../../tools/generate/helm-schema.ts';
import { template } from './chart.ts';

const API_URI = 'http://backend.default/websocket';
const smallest = { config: { API_URI } };
const schemas: OptionSchemas = options;

type Refusal = { readonly what: string; readonly values: object; readonly says: RegExp };
const refusals: Refusal[] = [
  { what: 'no backend', values: {}, says: /config\.API_URI is missing: the URL of the backend that the gateway calls; example: --set/ },
  {
    what: 'a password of the engine',
    values: { ...smallest, cluster: { url: 'redis://user:hunter2@redis' } },
    says: /\/cluster\/url/,
  },
  {
    what: 'two engines',
    values: { ...smallest, cluster: { url: 'redis://redis', urlFrom: { name: 'a', key: 'b' } } },
    says: /each name an engine: keep one of them/,
  },
  {
    what: 'a policy that cuts off the engine',
    values: {
      ...smallest,
      cluster: { url: 'redis://redis' },
      networkPolicy: { enabled: true, controlFrom: [{ podSelector: {} }], egressTo: [{ podSelector: {} }] },
    },
    says: /would cut the pods off from their engine/,
  },
  { what: 'the Service without an engine', values: { ...smallest, cluster: { address: 'service' } }, says: /need an engine/ },
  { what: 'an empty backend', values: { config: { API_URI: '' } }, says: /\/config\/API_URI/ },
  { what: 'an unknown option', values: { config: { API_URI, WS_TIMOUT: 1 } }, says: /'\/config'.*'WS_TIMOUT' not allowed/ },
  { what: 'an unknown value', values: { ...smallest, replicaCont: 1 }, says: /'replicaCont' not allowed/ },
  { what: 'a text for a number', values: { config: { API_URI, PORT: 'no' } }, says: /\/config\/PORT': got string, want integer/ },
  { what: 'a free port', values: { config: { API_URI, PORT: 0 } }, says: /\/config\/PORT': minimum: got 0, want 1/ },
  { what: 'a number out of range', values: { config: { API_URI, PORT: 65_536 } }, says: /\/config\/PORT': maximum/ },
  {
    what: 'an unknown choice',
    values: { config: { API_URI, REFUSE_WITH: 'tcp' } },
    says: /\/config\/REFUSE_WITH': 'tcp' does not match pattern '\^\(http\|close\)\$'/,
  },
  {
    what: 'an unknown kind of Service',
    values: { ...smallest, service: { type: 'Nodeport' } },
    says: /\/service\/type': 'Nodeport' does not match/,
  },
  {
    what: 'more pods at least than at most',
    values: { ...smallest, autoscaling: { enabled: true, minReplicas: 5, maxReplicas: 4 } },
    says: /autoscaling\.minReplicas is 5, over autoscaling\.maxReplicas, which is 4/,
  },
  {
    what: 'one address for several pods',
    values: { config: { API_URI, WS_HOSTNAME: 'chat-wsaas-control:8081' }, replicaCount: 3 },
    says: /config\.WS_HOSTNAME is "chat-wsaas-control:8081" for all of up to 3 pods, and there is no bus.*\$\(POD_IP\).*replicaCount: 1.*pushesAreRouted/s,
  },
  {
    what: 'one address for pods that may become several',
    values: {
      config: { API_URI, WS_HOSTNAME: 'http://gateway' },
      replicaCount: 1,
      autoscaling: { enabled: true, minReplicas: 1, maxReplicas: 2 },
    },
    says: /up to 2 pods/,
  },
  {
    what: 'a memory limit that holds no client',
    values: { ...smallest, resources: { limits: { memory: '128Mi' } } },
    says: /resources\.limits\.memory is 128Mi with 1 worker\(s\), too little/,
  },
  {
    what: 'a memory limit in no unit of Kubernetes',
    values: { ...smallest, resources: { limits: { memory: '1GB' } } },
    says: /resources\.limits\.memory is "1GB", wanted a number with one of the units/,
  },
  { what: 'one port for both', values: { config: { API_URI, PORT: 8081 } }, says: /both 8081: clients would reach the control API/ },
  { what: 'half a reference', values: { ...smallest, secrets: { CONTROL_TOKEN: { name: 'x' } } }, says: /missing property 'key'/ },
  { what: 'no secret by reference', values: { ...smallest, secrets: { PORT: { name: 'x', key: 'y' } } }, says: /'PORT' not allowed/ },
  {
    what: 'a value twice',
    values: { ...smallest, secrets: { API_URI: { name: 'x', key: 'y' } } },
    says: /API_URI is in config and in secrets/,
  },
  {
    what: 'an option as extraEnv',
    values: { ...smallest, extraEnv: [{ name: 'DRAIN_MS', value: '1' }] },
    says: /set it at config\.DRAIN_MS/,
  },
  {
    what: 'a backend beside a file of routes',
    values: { config: { API_URI, ROUTES_FILE: '/r' } },
    says: /ROUTES_FILE replaces API_URI/,
  },
  { what: 'a journal without a volume', values: { config: { API_URI, JOURNAL_DIR: '/j' } }, says: /set journal\.enabled=true/ },
  { what: 'a policy that lets no backend in', values: { ...smallest, networkPolicy: { enabled: true } }, says: /controlFrom is empty/ },
  { what: 'a route without a Gateway', values: { ...smallest, httpRoute: { enabled: true } }, says: /httpRoute\.parentRefs is empty/ },
  {
    what: 'certificates of callers without one of its own',
    values: { ...smallest, tls: { clientCaFrom: { name: 'a', key: 'b' } } },
    says: /tls\.clientCaFrom needs tls\.secretName/,
  },
  {
    what: 'KEDA without a number of clients',
    values: { ...smallest, autoscaling: { enabled: true, keda: { enabled: true } } },
    says: /say how many clients a pod should have/,
  },
  {
    what: 'one name for all pods of a StatefulSet',
    values: { config: { API_URI, NODE_NAME: 'me' }, workload: 'StatefulSet' },
    says: /a StatefulSet's ws_uri is made of it: leave it out/,
  },
  { what: 'an unknown workload', values: { ...smallest, workload: 'DaemonSet' }, says: /\/workload': 'DaemonSet' does not match/ },
  { what: 'an ingress without a host', values: { ...smallest, ingress: { enabled: true } }, says: /ingress\.hosts is empty/ },
];
for (const [name, { isSecret }] of Object.entries(schemas)) {
  if (isSecret !== true) continue;
  const says = new RegExp(`config.${name} is a secret.* name that at secrets.${name}`);
  refusals.push({ what: `${name} in the open`, values: { config: { API_URI, [name]: '42' } }, says });
}

for (const { what, values, says } of refusals) {
  test(`helm refuses ${what}, and says what to do`, (t) => {
    const { status, error } = template(t, values);
    assert.notEqual(status, 0);
    assert.match(error, says);
  });
}

test('without the schema too, a missing backend is told in words', (t) => {
  const { status, error } = template(t, {}, ['--skip-schema-validation']);
  assert.notEqual(status, 0);
  assert.match(error, /config\.API_URI is missing: the URL of the backend that the gateway calls; example: --set/);
});
