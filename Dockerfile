# One image for every service; the command says which: `ingest`, `worker`, `api`, `migrate` …
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY ingest ingest
COPY rollups rollups
COPY workers workers
COPY api api
COPY deploy deploy
RUN python -m venv /opt/throughline && /opt/throughline/bin/pip install --no-cache-dir .

FROM python:3.13-slim
COPY --from=build /opt/throughline /opt/throughline
RUN useradd --system --uid 10001 throughline
USER 10001
ENV PATH=/opt/throughline/bin:$PATH THROUGHLINE_HOST=0.0.0.0
EXPOSE 8080
ENTRYPOINT ["throughline"]
CMD ["--help"]
