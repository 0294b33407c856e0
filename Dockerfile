# Sprint Runner in a container: see OPERATIONS.md, "In a container".
FROM rust:1-slim-bookworm AS build
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
# The bundled SQLite is compiled from C.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends gcc libc6-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY . .
# git is not there to ask: docker build --build-arg COMMIT=$(git rev-parse --short=12 HEAD) .
ARG COMMIT=
RUN SPRINT_RUNNER_COMMIT="$COMMIT" cargo build --locked --release \
 && cp target/release/sprint-runner /sprint-runner

FROM debian:bookworm-slim
# Agents commit their work; tini hands on signals and takes in what agents leave.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates git tini \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 1000 runner
COPY --from=build /sprint-runner /usr/local/bin/sprint-runner
USER 1000
WORKDIR /project
EXPOSE 8080
# Beyond loopback a token is asked for: -e SPRINT_RUNNER_TOKEN=…, or read it from the log.
ENTRYPOINT ["tini", "--", "sprint-runner"]
CMD ["serve", "--host", "0.0.0.0"]
