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
{{- if and $config.JOURNAL_DIR (not .Values.journal.enabled) (not .Values.extraVolumeMounts) -}}
{{- fail (printf "config.JOURNAL_DIR is %s, but the root file system is read-only: set journal.enabled=true, or mount a volume there with extraVolumes and extraVolumeMounts" $config.JOURNAL_DIR) -}}
{{- end -}}
{{- end -}}

{{/* Every variable of the container. POD_IP comes first: Kubernetes resolves $(POD_IP) only after it. */}}
{{- define "wsaas.environment" -}}
{{- $options := include "wsaas.options" . | fromJson -}}
{{- $config := .Values.config | default dict -}}
{{- $variables := set (deepCopy $config) "CONTROL_PORT" (include "wsaas.controlPort" .) -}}
{{- if not $config.WS_HOSTNAME -}}
{{- $_ := set $variables "WS_HOSTNAME" (printf "$(POD_IP):%s" (include "wsaas.controlPort" .)) -}}
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
{{- range $name, $reference := .Values.secrets }}
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
