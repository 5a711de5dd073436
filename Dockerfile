# Freshet in a container, for the roles of the distributed profile: the sources, the packages that they
# need, the built page. Left out: the embedded ClickHouse (a container talks to a server) and the
# Node.js that npm brings (the base image has it).
#
# Versions are exact. To pin by digest as well, ask for it where the registry can be reached
# (`docker buildx imagetools inspect node:24.21.0-bookworm-slim`) and append it: `…-slim@sha256:…`.

FROM node:24.21.0-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm pkg delete optionalDependencies devDependencies dependencies.node && npm ci --no-audit --no-fund
COPY algorithms ./algorithms
COPY evaluation ./evaluation
COPY ingest ./ingest
COPY runtime ./runtime
COPY schemas ./schemas
COPY serving ./serving
COPY storage ./storage
COPY stream ./stream
COPY training ./training
COPY ui ./ui
# The page is built here, since the running container's files cannot be written. What built it stays.
RUN node ui/build-page.ts && rm -rf node_modules/@esbuild node_modules/react node_modules/react-dom

FROM node:24.21.0-bookworm-slim
# The folder's owner becomes the owner of a new volume that is mounted there.
RUN mkdir -p /data && chown 1000:1000 /data
COPY --from=build /app /app
WORKDIR /app
ENV NODE_ENV=production \
    NODE_COMPILE_CACHE=/tmp/freshet-compiled \
    FRESHET_DATA_DIRECTORY=/data \
    FRESHET_HOST=0.0.0.0 \
    FRESHET_PORT=8090
USER 1000:1000
VOLUME /data
EXPOSE 8090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --start-interval=2s --retries=3 \
  CMD ["node", "/app/runtime/bin/alive.js"]
ENTRYPOINT ["node", "/app/runtime/bin/freshet.js"]
CMD ["start"]
