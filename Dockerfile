# glibc: Temporal's native core has no musl build.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build && npm prune --omit=dev --no-audit --no-fund
# The core for this platform only, without its sources.
RUN cd node_modules/@temporalio/core-bridge \
  && case "$(uname -m)" in x86_64|aarch64) keep="$(uname -m)-unknown-linux-gnu" ;; *) exit 1 ;; esac \
  && find releases -mindepth 1 -maxdepth 1 ! -name "$keep" -exec rm -r {} + && rm -r sdk-core
# The bundles of the workflows, which a worker would make at its start otherwise. Their names hold the version of Node.
RUN node --input-type=module -e "const { workflowBundle } = await import('/app/dist/workflow-bundle.js'); \
  for (const encrypts of [false, true]) await workflowBundle('/app/cache/holdfast', console, encrypts)" && chmod -R a+rX cache

FROM node:24-bookworm-slim
# unzip and tar: for skills. What your agents need besides (git, python3, …) goes into an image of your own on top.
# No npm: nothing here installs. `tool`: whom tools run as where the container starts as root (HOLDFAST_TOOL_USER=tool).
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates unzip && rm -rf /var/lib/apt/lists/* \
  && rm -rf /usr/local/lib/node_modules /opt/yarn* /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack \
    /usr/local/bin/yarn /usr/local/bin/yarnpkg \
  && useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /bin/bash tool
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/cache ./cache
COPY src/console/assets ./src/console/assets
COPY package.json LICENSE ./
COPY bin ./bin
RUN mkdir /state && chown node /state
ENV HOLDFAST_STATE_DIR=/state XDG_CACHE_HOME=/app/cache
USER node
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=3 CMD ["node", "/app/dist/health-main.js"]
ENTRYPOINT ["node", "/app/bin/holdfast.js"]
CMD ["worker"]
