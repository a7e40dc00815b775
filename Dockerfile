# The programs of Sluice, one target each:
#
#   docker build --target gateway --tag sluice-gateway --build-arg VERSION=v1.2.3 .
#
# It needs BuildKit, which Docker has used by default since version 23.
ARG GO_IMAGE=golang:1.26.8-alpine

FROM ${GO_IMAGE} AS build
WORKDIR /src
# Where modules come from. The defaults are Go's own; a company sets its proxy here.
ARG GOPROXY=https://proxy.golang.org,direct
ARG GOSUMDB=sum.golang.org
ARG GOFLAGS=-buildvcs=false
ARG VERSION=devel
ENV CGO_ENABLED=0
# One compilation for all targets. Modules and compiled packages stay in caches of the builder, so a change compiles
# only what it touches.
RUN --mount=type=bind,target=/src \
    --mount=type=cache,id=sluice-modules,target=/go/pkg/mod \
    --mount=type=cache,id=sluice-build,target=/root/.cache/go-build \
    mkdir -p /out && \
    sh deploy/build.sh /out "${VERSION}" && \
    for program in gateway poller receiver worker sluice; do \
      sh deploy/licenses.sh "/out/licenses/$program" ./*/cmd/"$program" || exit 1; \
    done

# What every program needs besides itself: the authorities that it trusts.
FROM scratch AS base
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
# A user that is nobody's, by number: there is no list of users in the image.
USER 65532:65532
WORKDIR /
ARG VERSION=devel
LABEL org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0"

FROM base AS gateway
LABEL org.opencontainers.image.title="sluice-gateway" \
      org.opencontainers.image.description="Takes webhooks in, stores them in NATS and answers 200 once they are on the disk."
COPY --from=build /out/licenses/gateway /licenses
COPY --from=build /out/gateway /gateway
# Health checks listen where nobody outside of the container reaches them.
ENV SLUICE_ADMIN_LISTEN=127.0.0.1:9090
EXPOSE 8080
HEALTHCHECK --interval=3s --timeout=8s --start-period=60s --retries=3 CMD ["/gateway", "--healthcheck"]
ENTRYPOINT ["/gateway"]

FROM base AS poller
LABEL org.opencontainers.image.title="sluice-poller" \
      org.opencontainers.image.description="Takes notifications out of GREEN-API's queues and stores them in NATS."
COPY --from=build /out/licenses/poller /licenses
COPY --from=build /out/poller /poller
ENV SLUICE_ADMIN_LISTEN=127.0.0.1:9090
HEALTHCHECK --interval=3s --timeout=8s --start-period=60s --retries=3 CMD ["/poller", "--healthcheck"]
ENTRYPOINT ["/poller"]

FROM base AS receiver
LABEL org.opencontainers.image.title="sluice-receiver" \
      org.opencontainers.image.description="Hands events out to bots as GREEN-API's HTTP API hands out notifications."
COPY --from=build /out/licenses/receiver /licenses
COPY --from=build /out/receiver /receiver
ENV SLUICE_ADMIN_LISTEN=127.0.0.1:9090
EXPOSE 8082
HEALTHCHECK --interval=3s --timeout=8s --start-period=60s --retries=3 CMD ["/receiver", "--healthcheck"]
ENTRYPOINT ["/receiver"]

FROM base AS worker
LABEL org.opencontainers.image.title="sluice-worker" \
      org.opencontainers.image.description="Makes events of stored notifications and hands them to the handlers of their types."
COPY --from=build /out/licenses/worker /licenses
COPY --from=build /out/worker /worker
ENV SLUICE_ADMIN_LISTEN=127.0.0.1:9090
HEALTHCHECK --interval=3s --timeout=8s --start-period=60s --retries=3 CMD ["/worker", "--healthcheck"]
ENTRYPOINT ["/worker"]

FROM base AS sluice
LABEL org.opencontainers.image.title="sluice" \
      org.opencontainers.image.description="The operator's command line, and everything in one process."
COPY --from=build /out/licenses/sluice /licenses
COPY --from=build /out/sluice /sluice
ENTRYPOINT ["/sluice"]
