{{/* What src/config/options.ts says, as a map. */}}
{{- define "wsaas.options" -}}
{{- .Files.Get "options.json" -}}
{{- end -}}

{{/* An option as given, else as it is by default: dict "root" $ "name" "PORT". int64, as Helm 3 reads whole numbers as floats. */}}
{{- define "wsaas.number" -}}
{{- $config := .root.Values.config | default dict -}}
{{- if hasKey $config .name -}}
{{- get $config .name | int64 -}}
{{- else -}}
{{- get (include "wsaas.options" .root | fromJson).defaults .name | int64 -}}
{{- end -}}
{{- end -}}

{{- define "wsaas.port" -}}
{{- include "wsaas.number" (dict "root" . "name" "PORT") -}}
{{- end -}}

{{/* Always apart from the clients' port, whatever config says. */}}
{{- define "wsaas.controlPort" -}}
{{- $port := (.Values.config | default dict).CONTROL_PORT | default 8081 | int64 -}}
{{- if eq (toString $port) (include "wsaas.port" .) -}}
{{- fail (printf "config.CONTROL_PORT and config.PORT are both %d: clients would reach the control API; give CONTROL_PORT a port of its own" $port) -}}
{{- end -}}
{{- $port -}}
{{- end -}}

{{/* src/core/drain.ts ends DRAIN_DELAY_MS + DRAIN_MS + 5 s after SIGTERM at the latest. */}}
{{- define "wsaas.graceSeconds" -}}
{{- $delayMs := include "wsaas.number" (dict "root" . "name" "DRAIN_DELAY_MS") | int64 -}}
{{- $drainMs := include "wsaas.number" (dict "root" . "name" "DRAIN_MS") | int64 -}}
{{- $drainSeconds := div (add $delayMs $drainMs 5000 999) 1000 -}}
{{- add $drainSeconds (int64 .Values.preStopSleepSeconds) (int64 .Values.graceMarginSeconds) -}}
{{- end -}}

{{- define "wsaas.journalDir" -}}
{{- (.Values.config | default dict).JOURNAL_DIR | default "/var/lib/wsaas/journal" -}}
{{- end -}}

{{/* Bytes of a quantity of Kubernetes: 512Mi, 1.5G, 1073741824. */}}
{{- define "wsaas.bytes" -}}
{{- $units := dict "" 1 "k" 1000 "M" 1000000 "G" 1000000000 "T" 1000000000000 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 -}}
{{- $text := ternary (printf "%v" .) (int64 . | toString) (kindIs "string" .) -}}
{{- $number := regexFind "^[0-9]+([.][0-9]+)?" $text -}}
{{- $unit := trimPrefix $number $text -}}
{{- if or (eq $number "") (not (hasKey $units $unit)) -}}
{{- fail (printf "resources.limits.memory is %q, wanted a number with one of the units Ki, Mi, Gi, Ti, k, M, G, T, or in bytes" $text) -}}
{{- end -}}
{{- mulf (float64 $number) (get $units $unit) | int64 -}}
{{- end -}}

{{/*
Clients at once, per worker, that the memory limit allows; nothing where there is no limit or nobody knows the number of workers.
128 MiB are for the process itself, half of the rest for what busy clients hold, 20,000 bytes for each idle one (docs/operations.md).
*/}}
{{- define "wsaas.maxConnections" -}}
{{- $workers := (.Values.config | default dict).WORKERS | default 1 | toString -}}
{{- with dig "limits" "memory" "" (.Values.resources | default dict) -}}
{{- if ne $workers "auto" -}}
{{- $most := div (sub (div (include "wsaas.bytes" . | int64) (int64 $workers)) 134217728) 40000 -}}
{{- if lt $most 1 -}}
{{- fail (printf "resources.limits.memory is %v with %s worker(s), too little: each needs 128Mi for itself and 40 KB for every client; raise it, or set config.MAX_CONNECTIONS" . $workers) -}}
{{- end -}}
{{- $most -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The most pods that there may be. */}}
{{- define "wsaas.mostPods" -}}
{{- ternary .Values.autoscaling.maxReplicas .Values.replicaCount .Values.autoscaling.enabled | int64 -}}
{{- end -}}

{{/* Not empty where an engine joins the pods. */}}
{{- define "wsaas.hasBus" -}}
{{- if or .Values.cluster.url .Values.cluster.urlFrom (.Values.secrets | default dict).CLUSTER_URL -}}yes{{- end -}}
{{- end -}}

{{- define "wsaas.credentialsFile" -}}
/etc/wsaas/cluster/credentials
{{- end -}}

{{/* The whole Secret is mounted, as the kubelet changes no file of a part of it when a certificate is renewed. */}}
{{- define "wsaas.tlsDir" -}}
/etc/wsaas/tls
{{- end -}}

{{- define "wsaas.clientCaDir" -}}
/etc/wsaas/client-ca
{{- end -}}

{{/* Clusters on one engine must differ by name. */}}
{{- define "wsaas.clusterName" -}}
{{- printf "%s-%s" .Release.Namespace (include "wsaas.fullname" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* The problems that a schema cannot say well. */}}
{{- define "wsaas.check" -}}
{{- $options := include "wsaas.options" . | fromJson -}}
{{- $config := .Values.config | default dict -}}
{{- $secrets := .Values.secrets | default dict -}}
{{- if not (or $config.API_URI $secrets.API_URI $config.ROUTES_FILE) -}}
{{- fail "config.API_URI is missing: the URL of the backend that the gateway calls; example: --set config.API_URI=http://my-backend.my-namespace/websocket" -}}
{{- end -}}
{{- if and $config.ROUTES_FILE (or $config.API_URI $secrets.API_URI) -}}
{{- fail "config.ROUTES_FILE replaces API_URI, which is set too: remove one of them" -}}
{{- end -}}
{{- range $options.secrets -}}
{{- if hasKey $config . -}}
{{- fail (printf "config.%s is a secret, it must not be in values: put it into a Secret and name that at secrets.%s: { name: …, key: … }" . .) -}}
{{- end -}}
{{- end -}}
{{- range $name, $_ := $secrets -}}
{{- if hasKey $config $name -}}
{{- fail (printf "%s is in config and in secrets: which one? Remove one of them" $name) -}}
{{- end -}}
{{- end -}}
{{- range .Values.extraEnv -}}
{{- if has .name $options.names -}}
{{- fail (printf "extraEnv has %s, which is an option of the gateway: set it at config.%s (a secret at secrets.%s), where the chart knows of it" .name .name .name) -}}
{{- end -}}
{{- end -}}
{{- $pods := include "wsaas.mostPods" . | int64 -}}
{{- $hasBus := include "wsaas.hasBus" . -}}
{{- with .Values.cluster -}}
{{- if gt (len (compact (list .url (dig "name" "" (.urlFrom | default dict)) (dig "name" "" ($secrets.CLUSTER_URL | default dict))))) 1 -}}
{{- fail "cluster.url, cluster.urlFrom and secrets.CLUSTER_URL each name an engine: keep one of them" -}}
{{- end -}}
{{- if and (not $hasBus) (or .credentialsFrom (eq .address "service") .peers) -}}
{{- fail "cluster.credentialsFrom, cluster.address=service and cluster.peers need an engine: set cluster.url or cluster.urlFrom" -}}
{{- end -}}
{{- if and (eq .address "service") $config.WS_HOSTNAME -}}
{{- fail "config.WS_HOSTNAME and cluster.address=service both say what ws_uri leads to: keep one of them" -}}
{{- end -}}
{{- if and .credentialsFrom $config.CLUSTER_CREDENTIALS_FILE -}}
{{- fail "config.CLUSTER_CREDENTIALS_FILE and cluster.credentialsFrom both say what logs in to the engine: keep one of them" -}}
{{- end -}}
{{- end -}}
{{- if and $config.WS_HOSTNAME (not (contains "$(" $config.WS_HOSTNAME)) (gt $pods 1) (not $hasBus) (not .Values.pushesAreRouted) -}}
{{- fail (printf "config.WS_HOSTNAME is %q for all of up to %d pods, and there is no bus between them: a push would reach any pod and be 404 where another one holds the client. Leave it out (each pod then tells its own address), use $(POD_IP), have one pod (replicaCount: 1), join the pods by an engine (cluster.url), or set pushesAreRouted=true where a balancer of yours knows the way" $config.WS_HOSTNAME $pods) -}}
{{- end -}}
{{- with .Values.autoscaling -}}
{{- if and .enabled (gt (int64 .minReplicas) (int64 .maxReplicas)) -}}
{{- fail (printf "autoscaling.minReplicas is %d, over autoscaling.maxReplicas, which is %d" (int64 .minReplicas) (int64 .maxReplicas)) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.tls.clientCaFrom (not .Values.tls.secretName) -}}
{{- fail "tls.clientCaFrom needs tls.secretName: without a certificate of its own the gateway speaks no TLS" -}}
{{- end -}}
{{- if and .Values.tls.secretName (or $config.TLS_CERT_FILE $config.TLS_KEY_FILE) -}}
{{- fail "tls.secretName and config.TLS_CERT_FILE both say where the certificate is: keep one of them" -}}
{{- end -}}
{{- if and (eq .Values.workload "StatefulSet") $config.NODE_NAME (not $config.WS_HOSTNAME) -}}
{{- fail "config.NODE_NAME is the same for all pods, and a StatefulSet's ws_uri is made of it: leave it out" -}}
{{- end -}}
{{- if and $config.JOURNAL_DIR (not .Values.journal.enabled) (not .Values.extraVolumeMounts) -}}
{{- fail (printf "config.JOURNAL_DIR is %s, but the root file system is read-only: set journal.enabled=true, or mount a volume there with extraVolumes and extraVolumeMounts" $config.JOURNAL_DIR) -}}
{{- end -}}
{{- end -}}

{{/* Every variable of the container. POD_IP comes first: Kubernetes resolves $(POD_IP) only after it. */}}
{{- define "wsaas.environment" -}}
{{- $options := include "wsaas.options" . | fromJson -}}
{{- $config := .Values.config | default dict -}}
{{- $variables := set (deepCopy $config) "CONTROL_PORT" (include "wsaas.controlPort" .) -}}
{{- $scheme := ternary "https://" "" (not (empty .Values.tls.secretName)) -}}
{{- if eq .Values.cluster.address "service" -}}
{{- $_ := set $variables "WS_HOSTNAME" (printf "%s%s-control.%s:%s" $scheme (include "wsaas.fullname" .) .Release.Namespace (include "wsaas.controlPort" .)) -}}
{{- else if not $config.WS_HOSTNAME -}}
{{- $direct := ternary (printf "$(NODE_NAME).%s-pods.%s.svc" (include "wsaas.fullname" .) .Release.Namespace) "$(POD_IP)" (eq .Values.workload "StatefulSet") -}}
{{- $_ := set $variables "WS_HOSTNAME" (printf "%s%s:%s" $scheme $direct (include "wsaas.controlPort" .)) -}}
{{- end -}}
{{- if .Values.tls.secretName -}}
{{- $_ := set $variables "TLS_CERT_FILE" (printf "%s/%s" (include "wsaas.tlsDir" .) .Values.tls.certKey) -}}
{{- $_ := set $variables "TLS_KEY_FILE" (printf "%s/%s" (include "wsaas.tlsDir" .) .Values.tls.keyKey) -}}
{{- if .Values.tls.clientCaFrom -}}
{{- $_ := set $variables "TLS_CLIENT_CA_FILE" (printf "%s/ca.crt" (include "wsaas.clientCaDir" .)) -}}
{{- end -}}
{{- end -}}
{{- if include "wsaas.hasBus" . -}}
{{- with .Values.cluster.url -}}
{{- $_ := set $variables "CLUSTER_URL" . -}}
{{- end -}}
{{- if not $config.CLUSTER_NAME -}}
{{- $_ := set $variables "CLUSTER_NAME" (include "wsaas.clusterName" .) -}}
{{- end -}}
{{- if .Values.cluster.credentialsFrom -}}
{{- $_ := set $variables "CLUSTER_CREDENTIALS_FILE" (include "wsaas.credentialsFile" .) -}}
{{- end -}}
{{- end -}}
{{- if not (hasKey $config "MAX_CONNECTIONS") -}}
{{- with include "wsaas.maxConnections" . -}}
{{- $_ := set $variables "MAX_CONNECTIONS" (int64 .) -}}
{{- end -}}
{{- end -}}
{{- if .Values.journal.enabled -}}
{{- $_ := set $variables "JOURNAL_DIR" (include "wsaas.journalDir" .) -}}
{{- end -}}
- name: POD_IP
  valueFrom:
    fieldRef:
      fieldPath: status.podIP
{{- if not $config.NODE_NAME }}
- name: NODE_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
{{- end }}
{{- range $name, $value := $variables }}
- name: {{ $name }}
  {{- if kindIs "bool" $value }}
  value: {{ ternary (ternary "on" "off" $value) (toString $value) (has $name $options.switches) | quote }}
  {{- else if kindIs "string" $value }}
  value: {{ $value | quote }}
  {{- else }}
  value: {{ int64 $value | toString | quote }}
  {{- end }}
{{- end }}
{{- $references := deepCopy (.Values.secrets | default dict) -}}
{{- with .Values.cluster.urlFrom -}}
{{- $_ := set $references "CLUSTER_URL" . -}}
{{- end -}}
{{- range $name, $reference := $references }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $reference.name | quote }}
      key: {{ $reference.key | quote }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}
