/** The part of an option's schema that this file reads; src/config/options.ts has it from TypeBox, which makes JSON Schema. */
export type OptionSchema = {
  readonly type?: unknown;
  readonly enum?: unknown;
  readonly description?: unknown;
  readonly default?: unknown;
  readonly minimum?: unknown;
  readonly maximum?: unknown;
  readonly pattern?: unknown;
  readonly form?: unknown;
  readonly isSecret?: unknown;
};

export type OptionSchemas = Readonly<Record<string, OptionSchema>>;

type Schema = Readonly<Record<string, unknown>>;

/** May hold a key in its query, so that it too may come from a Secret. */
const MAY_BE_SECRET = new Set(['API_URI']);
/** A Service needs to know them: no free port inside a cluster. */
const PORTS = new Set(['PORT', 'CONTROL_PORT']);

/** The schema of helm/wsaas/values.yaml (draft 7, the newest that Helm 3 knows). Unknown names are refused everywhere but in Kubernetes' own objects. */
export function helmValuesSchema(options: OptionSchemas): object {
  const config = Object.fromEntries(Object.entries(options).map(([name, option]) => [name, configSchema(name, option)]));
  const secretNames = Object.keys(options).filter((name) => isSecret(options, name) || MAY_BE_SECRET.has(name));
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $comment: 'Generated from src/config/options.ts by `npm run generate`; do not edit.',
    title: 'Values of the wsaas chart',
    type: 'object',
    additionalProperties: false,
    properties: {
      ...CHART_VALUES,
      config: record('Options of the gateway by the names of their environment variables.', config),
      secrets: record('Options whose value is a key of a Secret.', Object.fromEntries(secretNames.map((name) => [name, SECRET_KEY]))),
    },
  };
}

/** What the chart's templates must know of the options: `options.json` beside its values. */
export function helmOptions(options: OptionSchemas): object {
  return {
    generated: 'from src/config/options.ts by `npm run generate`; do not edit',
    names: Object.keys(options),
    secrets: Object.keys(options).filter((name) => isSecret(options, name)),
    switches: Object.keys(options).filter((name) => isSwitch(options[name] ?? {})),
    defaults: Object.fromEntries(
      Object.entries(options).flatMap(([name, option]) => ('default' in option ? [[name, option.default]] : [])),
    ),
  };
}

function configSchema(name: string, option: OptionSchema): Schema {
  const { description, default: standard, minimum, maximum, pattern, type } = option;
  if (option.isSecret === true)
    return { description: `Refused here by a template, which says what to do: it is a secret, name it at \`secrets.${name}\`.` };
  return definedOnly({
    description,
    default: standard,
    type: option.form === 'workers' ? ['string', 'integer'] : type, // WORKERS: 2 is an integer in YAML
    minimum: PORTS.has(name) ? 1 : minimum,
    maximum,
    pattern,
    ...(Array.isArray(option.enum) && choice(spellings(option.enum), isSwitch(option))),
    minLength: name === 'API_URI' ? 1 : undefined,
  });
}

/** As the program takes them: LOG_LEVEL is any case. */
function spellings(values: readonly unknown[]): string[] {
  const words = values.map(String);
  return [...new Set([...words, ...words.map((word) => word.toLowerCase())])];
}

/** One of a few words, as a pattern: of an `enum` Helm tells only what was wanted, of a pattern also what came. YAML makes a boolean of an unquoted `on`. */
function choice(words: readonly string[], orBoolean = false): Schema {
  return { type: orBoolean ? ['string', 'boolean'] : 'string', pattern: `^(${words.join('|')})$` };
}

function isSwitch(option: OptionSchema): boolean {
  return Array.isArray(option.enum) && option.enum.length === 2 && option.enum.includes('on') && option.enum.includes('off');
}

function isSecret(options: OptionSchemas, name: string): boolean {
  return options[name]?.isSecret === true;
}

function definedOnly(schema: Schema): Schema {
  return Object.fromEntries(Object.entries(schema).filter(([, value]) => value !== undefined));
}

function record(description: string, properties: Schema, required: readonly string[] = []): Schema {
  return { description, type: 'object', additionalProperties: false, properties, ...(required.length > 0 ? { required } : {}) };
}

const text = (description: string): Schema => ({ description, type: 'string' });
const flag = (description: string): Schema => ({ description, type: 'boolean' });
const count = (description: string, minimum = 0): Schema => ({ description, type: 'integer', minimum });
const oneOf = (description: string, values: readonly string[]): Schema => ({ description, ...choice(values) });
const map = (description: string): Schema => ({ description, type: 'object', additionalProperties: { type: 'string' } });
const list = (description: string): Schema => ({ description, type: 'array', items: { type: 'object' } });
/** An object that the API server checks, not we. */
const kubernetes = (description: string): Schema => ({ description, type: 'object' });
const countOrShare = (description: string): Schema => ({ description, type: ['integer', 'string'], pattern: '^[0-9]+%?$' });

const SECRET_KEY = record(
  'The Secret and the key in it.',
  { name: { type: 'string', minLength: 1 }, key: { type: 'string', minLength: 1 } },
  ['name', 'key'],
);

const INGRESS_HOST = record(
  'A host and its paths.',
  {
    host: text('Host name; none: all.'),
    paths: {
      type: 'array',
      minItems: 1,
      items: record('A path.', { path: text('Path.'), pathType: oneOf('How it matches.', ['Prefix', 'Exact', 'ImplementationSpecific']) }, [
        'path',
      ]),
    },
  },
  ['paths'],
);

const SERVICE_TYPES = ['ClusterIP', 'NodePort', 'LoadBalancer'];

const CHART_VALUES: Schema = {
  global: kubernetes('Of a parent chart.'),
  enabled: flag('For a parent chart’s `condition`.'),
  nameOverride: text('Replaces the chart’s name in names.'),
  fullnameOverride: text('Replaces the whole name.'),
  replicaCount: count('Pods; ignored where autoscaling is on.'),
  workload: oneOf('What keeps the pods: `StatefulSet` gives each a name, and its journal a volume, that outlive it.', [
    'Deployment',
    'StatefulSet',
  ]),
  image: record('The image.', {
    repository: { ...text('Registry and name.'), minLength: 1 },
    tag: text('Default: the chart’s appVersion.'),
    digest: { ...text('`sha256:…`, wins over the tag.'), pattern: '^(sha256:[a-f0-9]{64})?$' },
    pullPolicy: oneOf('When to pull.', ['Always', 'IfNotPresent', 'Never']),
  }),
  imagePullSecrets: list('Secrets to pull the image with.'),
  extraEnv: list('More variables of the container, as in a Pod; for what is no option of the gateway.'),
  extraEnvFrom: list('ConfigMaps and Secrets whose keys become variables.'),
  service: record('For clients.', {
    type: oneOf('Kind of Service.', SERVICE_TYPES),
    port: { ...count('Port.', 1), maximum: 65_535 },
    annotations: map('Annotations.'),
    labels: map('Labels.'),
  }),
  pushesAreRouted: flag(
    'A balancer of yours leads every push to the pod that holds its client: only then may all pods share one config.WS_HOSTNAME.',
  ),
  controlService: record('For the control API; always ClusterIP.', { annotations: map('Annotations.'), labels: map('Labels.') }),
  ingress: record('For clients; the control API is never exposed.', {
    enabled: flag('Make it.'),
    className: text('IngressClass.'),
    annotations: map('Annotations; the time-outs of the controller go here.'),
    hosts: { type: 'array', items: INGRESS_HOST },
    tls: list('TLS, as in an Ingress.'),
  }),
  httpRoute: record('For clients, by the Gateway API; the control API is never exposed.', {
    enabled: flag('Make it.'),
    annotations: map('Annotations.'),
    parentRefs: list('The Gateways that it belongs to, as in an HTTPRoute.'),
    hostnames: { description: 'Host names; none: all of the Gateway.', type: 'array', items: { type: 'string' } },
    path: text('Prefix of the paths.'),
  }),
  tls: record('TLS on both ports; probes and `ws_uri` follow.', {
    secretName: text('A Secret that exists, as cert-manager makes it. Renewed certificates are taken without a restart.'),
    certKey: text('Its key with the certificate.'),
    keyKey: text('Its key with the private key.'),
    clientCaFrom: {
      ...SECRET_KEY,
      description:
        'Certificates that vouch for callers of the control API, from a Secret that exists: with it each must come with one. Probes then only look whether the port is open.',
    },
  }),
  monitoring: record('For Prometheus’ operator and Grafana’s sidecar.', {
    podMonitor: record('Scrapes each pod; each answers for all of its workers.', {
      enabled: flag('Make it.'),
      interval: text('Between two scrapes.'),
      labels: map('Labels that the operator looks for.'),
      tokenFrom: { ...SECRET_KEY, description: 'A token of CONTROL_TOKEN, from a Secret that exists.' },
      tlsConfig: kubernetes('As in a PodMonitor.'),
    }),
    rules: record('Alerts, as a PrometheusRule.', { enabled: flag('Make it.'), labels: map('Labels that the operator looks for.') }),
    dashboard: record('Grafana’s dashboard, in a ConfigMap.', {
      enabled: flag('Make it.'),
      labels: map('Labels that the sidecar looks for.'),
    }),
  }),
  networkPolicy: record('Who may reach the pods.', {
    enabled: flag('Make it.'),
    controlFrom: list('Peers that may call the control API: backends and the metrics collector.'),
    clientsFrom: list('Peers that may connect as clients; none: all.'),
    egressTo: list('Peers that the pods may call: backends. None: all. DNS and `cluster.peers` come on top.'),
  }),
  cluster: record('Joins the pods by an engine, so that each answers for all of them, and tells the ends of what a lost one held.', {
    url: { ...text('CLUSTER_URL, without user and password.'), pattern: '^[^@]*$' },
    urlFrom: { ...SECRET_KEY, description: 'The whole CLUSTER_URL from a Secret that exists, in place of `url`.' },
    credentialsFrom: { ...SECRET_KEY, description: 'User and password from a Secret that exists, mounted for CLUSTER_CREDENTIALS_FILE.' },
    address: oneOf('What `ws_uri` leads to: the pod that holds the client, or the control Service, where any pod passes it on.', [
      'pod',
      'service',
    ]),
    peers: list('Where the engine is, for `networkPolicy.egressTo`.'),
  }),
  serviceAccount: record('The pods’ account; no token is mounted.', {
    create: flag('Make one.'),
    name: text('Its name.'),
    annotations: map('Annotations.'),
  }),
  autoscaling: record('HorizontalPodAutoscaler.', {
    enabled: flag('Make it.'),
    minReplicas: count('At least.', 1),
    maxReplicas: count('At most.', 1),
    targetCpuPercent: count('Of the CPU request; used where nothing else is said.', 1),
    targetConnections: count('Clients per pod, in place of the CPU: by an adapter for Prometheus, or by KEDA. 0: by the CPU.'),
    keda: record('A ScaledObject in place of the HorizontalPodAutoscaler.', {
      enabled: flag('Make it.'),
      serverAddress: text('Prometheus.'),
    }),
    metrics: list('Metrics, as in a HorizontalPodAutoscaler.'),
    behavior: kubernetes('Behaviour, as in a HorizontalPodAutoscaler.'),
  }),
  podDisruptionBudget: record('How many pods may leave at once for maintenance.', {
    enabled: flag('Make it.'),
    maxUnavailable: countOrShare('Pods, or a percentage.'),
  }),
  strategy: kubernetes('Of the Deployment.'),
  graceMarginSeconds: count('Seconds on top of the drain, before a pod is killed.', 1),
  preStopSleepSeconds: count('A sleep before SIGTERM (Kubernetes 1.29 and newer); 0: none, DRAIN_DELAY_MS does it.'),
  journal: record('A volume for JOURNAL_DIR.', {
    enabled: flag('Mount it.'),
    sizeLimit: text('Of the emptyDir; with a StatefulSet, what each pod’s volume is asked to have.'),
    storageClassName: text('Of a StatefulSet’s volumes; none: the cluster’s default.'),
    volume: kubernetes('Another source than emptyDir, as in a Pod’s volume.'),
  }),
  livenessProbe: kubernetes('Times of the probe.'),
  readinessProbe: kubernetes('Times of the probe.'),
  startupProbe: kubernetes('Times of the probe.'),
  podSecurityContext: kubernetes('Of the pod.'),
  securityContext: kubernetes('Of the container.'),
  resources: kubernetes('Of the container.'),
  extraVolumes: list('More volumes.'),
  extraVolumeMounts: list('More mounts.'),
  topologySpreadConstraints: list('As in a Pod; a missing labelSelector is filled in.'),
  nodeSelector: map('As in a Pod.'),
  tolerations: list('As in a Pod.'),
  affinity: kubernetes('As in a Pod.'),
  priorityClassName: text('As in a Pod.'),
  commonLabels: map('Labels of every object.'),
  podLabels: map('Labels of the pods.'),
  podAnnotations: map('Annotations of the pods.'),
  deploymentAnnotations: map('Annotations of the Deployment.'),
};
