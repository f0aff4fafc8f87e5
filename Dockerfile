# A tag can be moved; a digest cannot be known before the registry is asked. A release pipeline pins it:
# docker build --build-arg NODE_IMAGE=node:24.21.0-slim@sha256:… .
ARG NODE_IMAGE=node:24.21.0-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
# no scripts: the only ones would install a second Node beside the image's; no peers: hundreds of MB that only tests' tools name
RUN npm ci --ignore-scripts --omit=peer
COPY tsconfig.json ./
COPY src ./src
COPY tools/build.ts ./tools/
# an empty folder beside it, which the next stage gives to its user
RUN npm run build && mkdir journal
# for the next stage: what runs needs nothing of what builds
RUN npm prune --omit=dev --ignore-scripts

FROM ${NODE_IMAGE}
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json LICENSE ./
# for JOURNAL_DIR: a volume that is mounted here belongs to the user from the start
COPY --from=build --chown=1000:1000 /app/journal /var/lib/wsaas/journal
# docker build --build-arg REVISION=$(git rev-parse HEAD) --build-arg CREATED=$(date -u +%FT%TZ) --build-arg SOURCE=https://…
ARG REVISION=
ARG CREATED=
ARG SOURCE=
LABEL org.opencontainers.image.title="wsaas" \
      org.opencontainers.image.description="WebSocket as a Service: holds the client sockets and turns them into plain HTTP" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.source="${SOURCE}"
# the image's user `node`, as a number: Kubernetes cannot tell that a name is not root
USER 1000:1000
EXPOSE 8080
# asks the port that has the control API, at an address that it listens on, whose certificate is for other names; the image has no curl
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --start-interval=1s --retries=3 CMD ["node", "-e", "\
const { HOST, PORT, CONTROL_HOST, CONTROL_PORT, TLS_CERT_FILE } = process.env; \
const scheme = TLS_CERT_FILE ? 'https' : 'http'; \
process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'; \
const host = (CONTROL_PORT && CONTROL_HOST) || HOST || '0.0.0.0'; \
const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host; \
fetch(`${scheme}://${reachable}:${CONTROL_PORT || PORT || 8080}/livez`, { signal: AbortSignal.timeout(4000) }) \
.then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# no shell in between: SIGTERM reaches the process, which says goodbye to its clients
ENTRYPOINT ["node", "dist/main.js"]
