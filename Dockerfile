# syntax=docker/dockerfile:1

FROM rust:1.95-slim-bookworm AS build
WORKDIR /build
COPY . .
# The caches keep what was fetched and built between builds; they are no part of the image, hence the copy.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --release --locked && cp target/release/warta /usr/local/bin/warta

FROM debian:bookworm-slim
# ca-certificates brings openssl, with which docker-compose.yml makes keys and passwords.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --user-group --uid 10001 --no-create-home --home-dir /nonexistent warta \
    && install --directory --owner=warta --group=warta --mode=0700 /secrets
COPY --from=build /usr/local/bin/warta /usr/local/bin/warta
USER warta
ENV WARTA_LISTEN=0.0.0.0:8080
EXPOSE 8080
# Bash can speak TCP, which spares the image an HTTP client.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 CMD ["bash", "-euc", "\
    exec 3<>\"/dev/tcp/127.0.0.1/${WARTA_LISTEN##*:}\"; \
    printf 'GET /livez HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3; \
    read -r line <&3; \
    [[ $line == 'HTTP/1.1 200 '* ]]"]
ENTRYPOINT ["warta"]
