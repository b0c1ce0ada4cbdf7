# Two images of one source: `docker build .` for every service of a cluster (ingest, worker, api, migrate …), and
# `docker build --target local .` with ClickHouse's engine and a Redis in it, a whole installation on one machine:
#   docker run -v data:/data -p 8080:8080 throughline:local up
FROM node:24-slim AS pages
WORKDIR /src
COPY api/pages/package.json api/pages/package-lock.json api/pages/
RUN npm --prefix api/pages ci --no-audit --no-fund
COPY api/pages api/pages
COPY ingest/script ingest/script
RUN npm --prefix api/pages run build
RUN npm pack --silent @ip-location-db/geo-whois-asn-country-mmdb@2 && mkdir -p deploy/geo \
  && tar -xzOf ip-location-db-*.tgz package/geo-whois-asn-country.mmdb > deploy/geo/country.mmdb

# 3.12: the newest that the engine and the Redis of the extra `local` both have wheels for.
FROM python:3.12-slim AS wheel
WORKDIR /src
COPY . .
COPY --from=pages /src/api/static api/static
COPY --from=pages /src/ingest/static ingest/static
COPY --from=pages /src/deploy/geo deploy/geo
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels . && python -m venv /opt/throughline

FROM wheel AS cluster-build
RUN /opt/throughline/bin/pip install --no-cache-dir /wheels/*.whl

FROM wheel AS local-build
RUN /opt/throughline/bin/pip install --no-cache-dir "$(echo /wheels/*.whl)[local]"

FROM python:3.12-slim AS base
RUN useradd --system --uid 10001 throughline && install -d -o 10001 -g 10001 -m 700 /data
USER 10001
WORKDIR /
ENV PATH=/opt/throughline/bin:$PATH PYTHONDONTWRITEBYTECODE=1 THROUGHLINE_HOST=0.0.0.0
EXPOSE 8080
ENTRYPOINT ["throughline"]
CMD ["--help"]

FROM base AS local
COPY --from=local-build /opt/throughline /opt/throughline
VOLUME /data
HEALTHCHECK --start-period=60s --timeout=5s \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/health', timeout=4)"]

FROM base AS cluster
COPY --from=cluster-build /opt/throughline /opt/throughline
