{{/* Names leave room for "-control" within the 63 characters of a Service's name. */}}
{{- define "wsaas.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 55 | trimSuffix "-" -}}
{{- end -}}

{{- define "wsaas.fullname" -}}
{{- $name := include "wsaas.name" . -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- .Values.fullnameOverride | default $full | trunc 55 | trimSuffix "-" -}}
{{- end -}}

{{- define "wsaas.selectorLabels" -}}
app.kubernetes.io/name: {{ include "wsaas.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* dict "root" $ "more" .Values.service.labels: each key once, and ours that select win. */}}
{{- define "wsaas.labels" -}}
{{- $root := .root -}}
{{- $chart := printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" -}}
{{- $about := dict "app.kubernetes.io/version" $root.Chart.AppVersion "app.kubernetes.io/managed-by" $root.Release.Service "helm.sh/chart" $chart -}}
{{- mergeOverwrite $about (include "wsaas.podLabels" . | fromYaml) | toYaml -}}
{{- end -}}

{{/* Without versions: an upgrade of the chart alone must not cost a single connection. */}}
{{- define "wsaas.podLabels" -}}
{{- $selector := include "wsaas.selectorLabels" .root | fromYaml -}}
{{- mergeOverwrite (dict) (deepCopy .root.Values.commonLabels) (deepCopy (.more | default dict)) $selector | toYaml -}}
{{- end -}}

{{- define "wsaas.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (ternary (include "wsaas.fullname" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{- define "wsaas.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}
