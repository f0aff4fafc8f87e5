{{/* The pod, the same whatever keeps its number. */}}
{{- define "wsaas.pod" -}}
metadata:
  labels:
    {{- include "wsaas.podLabels" (dict "root" . "more" .Values.podLabels) | nindent 4 }}
  {{- with .Values.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "wsaas.serviceAccountName" . }}
  automountServiceAccountToken: false
  # a Service named "control" in the namespace would else give us a CONTROL_PORT of its own
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ include "wsaas.graceSeconds" . }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with .Values.podSecurityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: gateway
      image: {{ include "wsaas.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      ports:
        - name: clients
          containerPort: {{ include "wsaas.port" . }}
          protocol: TCP
        - name: control
          containerPort: {{ include "wsaas.controlPort" . }}
          protocol: TCP
      env:
        {{- include "wsaas.environment" . | nindent 8 }}
      {{- with .Values.extraEnvFrom }}
      envFrom:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      startupProbe:
        {{- include "wsaas.probe" (dict "root" . "path" "/livez") | nindent 8 }}
        {{- with .Values.startupProbe }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      livenessProbe:
        {{- include "wsaas.probe" (dict "root" . "path" "/livez") | nindent 8 }}
        {{- with .Values.livenessProbe }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      readinessProbe:
        {{- include "wsaas.probe" (dict "root" . "path" "/readyz") | nindent 8 }}
        {{- with .Values.readinessProbe }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- if gt (int64 .Values.preStopSleepSeconds) 0 }}
      {{- if semverCompare "<1.29.0-0" .Capabilities.KubeVersion.Version }}
      {{- fail (printf "preStopSleepSeconds needs Kubernetes 1.29, this is %s: set it to 0 and config.DRAIN_DELAY_MS instead" .Capabilities.KubeVersion.Version) }}
      {{- end }}
      lifecycle:
        preStop:
          sleep:
            seconds: {{ int64 .Values.preStopSleepSeconds }}
      {{- end }}
      {{- with .Values.securityContext }}
      securityContext:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- if or .Values.journal.enabled .Values.cluster.credentialsFrom .Values.tls.secretName .Values.extraVolumeMounts }}
      volumeMounts:
        {{- if .Values.cluster.credentialsFrom }}
        - name: cluster-credentials
          mountPath: {{ dir (include "wsaas.credentialsFile" .) }}
          readOnly: true
        {{- end }}
        {{- with .Values.tls.secretName }}
        - name: tls
          mountPath: {{ include "wsaas.tlsDir" $ }}
          readOnly: true
        {{- end }}
        {{- with .Values.tls.clientCaFrom }}
        - name: client-ca
          mountPath: {{ include "wsaas.clientCaDir" $ }}
          readOnly: true
        {{- end }}
        {{- if .Values.journal.enabled }}
        - name: journal
          mountPath: {{ include "wsaas.journalDir" . | quote }}
        {{- end }}
        {{- with .Values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- end }}
  {{- if or (and .Values.journal.enabled (not (include "wsaas.claim" .))) .Values.cluster.credentialsFrom .Values.tls.secretName .Values.extraVolumes }}
  volumes:
    {{- with .Values.cluster.credentialsFrom }}
    - name: cluster-credentials
      secret:
        secretName: {{ .name | quote }}
        items:
          - key: {{ .key | quote }}
            path: {{ base (include "wsaas.credentialsFile" $) }}
    {{- end }}
    {{- with .Values.tls.secretName }}
    - name: tls
      secret:
        secretName: {{ . | quote }}
    {{- end }}
    {{- with .Values.tls.clientCaFrom }}
    - name: client-ca
      secret:
        secretName: {{ .name | quote }}
        items:
          - key: {{ .key | quote }}
            path: ca.crt
    {{- end }}
    {{- if and .Values.journal.enabled (not (include "wsaas.claim" .)) }}
    - name: journal
      {{- with .Values.journal.volume }}
      {{- toYaml . | nindent 6 }}
      {{- else }}
      emptyDir:
        {{- if .Values.journal.sizeLimit }}
        sizeLimit: {{ .Values.journal.sizeLimit }}
        {{- else }} {}
        {{- end }}
      {{- end }}
    {{- end }}
    {{- with .Values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
  {{- with .Values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- range . }}
    - {{- toYaml (merge (deepCopy .) (dict "labelSelector" (dict "matchLabels" (include "wsaas.selectorLabels" $ | fromYaml)))) | nindent 6 }}
    {{- end }}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/*
dict "root" $ "path" "/livez". A kubelet has no client certificate: where the control API demands one, only its port can be looked at.
*/}}
{{- define "wsaas.probe" -}}
{{- if .root.Values.tls.clientCaFrom -}}
tcpSocket: { port: control }
{{- else -}}
httpGet: { path: {{ .path }}, port: control{{ if .root.Values.tls.secretName }}, scheme: HTTPS{{ end }} }
{{- end -}}
{{- end -}}

{{/* Not empty where each pod keeps a volume of its own for its journal. */}}
{{- define "wsaas.claim" -}}
{{- if and (eq .Values.workload "StatefulSet") .Values.journal.enabled (not .Values.journal.volume) -}}yes{{- end -}}
{{- end -}}
