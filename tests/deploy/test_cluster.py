"""Container, compose and Kubernetes files are right by their schemas and say only what the code understands; running
them needs an engine that tests lack."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from prometheus_client import CollectorRegistry

from api.metrics import Metrics as ApiMetrics
from deploy import wiring
from deploy.alarm.book import Book
from deploy.alarm.judge import KINDS
from deploy.alarm.look import Numbers
from deploy.alarm.watch import Watcher
from deploy.cli import app
from deploy.cli.reference import commands
from deploy.settings import PREFIX, Settings, load
from ingest.metrics import Metrics as IngestMetrics
from workers.metrics import Metrics as WorkerMetrics

ROOT = Path(__file__).parents[2]
CONTAINER = ROOT / "deploy" / "container"
KUBERNETES = ROOT / "deploy" / "kubernetes"
SYSTEMD = ROOT / "deploy" / "systemd"
COMMANDS = {name.removeprefix("throughline "): command for name, command in commands(app)}
COMPOSE = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
OVERLAYS = ("base", "small", "large")
KNOWN = {PREFIX + entry.name.upper() for entry in fields(Settings)}


def kustomization(overlay: str) -> dict[str, Any]:
    return dict(yaml.safe_load((KUBERNETES / overlay / "kustomization.yaml").read_text()))


def documents(overlay: str) -> list[dict[str, Any]]:
    names = [name for name in kustomization(overlay)["resources"] if name.endswith(".yaml")]
    return [each for name in names for each in yaml.safe_load_all((KUBERNETES / overlay / name).read_text())]


MANIFESTS = [each for overlay in OVERLAYS for each in documents(overlay)]
WORKLOADS = [each for each in MANIFESTS if each["kind"] in ("Deployment", "Job")]


def named(manifest: dict[str, Any]) -> str:
    return f"{manifest['kind']} {manifest['metadata']['name']}"


def understood(arguments: list[str]) -> None:
    command: Any = COMMANDS[arguments[0]]
    command.make_context(arguments[0], arguments[1:])


@pytest.mark.parametrize("name", [name for name, one in COMPOSE["services"].items() if one["image"] == "throughline"])
def test_a_compose_service_is_a_command_with_known_settings(name: str) -> None:
    service = COMPOSE["services"][name]
    understood(service["command"])
    assert set(service["environment"]) <= KNOWN
    load({}, {key: re.sub(r"\$\{\w+:-(.*?)\}", r"\1", value) for key, value in service["environment"].items()})
    assert set(service["depends_on"]) <= set(COMPOSE["services"])
    assert service["read_only"] and service["cap_drop"] == ["ALL"]


def test_every_file_that_compose_mounts_is_there() -> None:
    for service in COMPOSE["services"].values():
        for source, target in (each.split(":")[:2] for each in service.get("volumes", ())):
            assert target.startswith("/")
            assert (ROOT / "deploy" / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]
    compose, caddy = (ROOT / "deploy" / "compose.yaml").read_text(), (CONTAINER / "Caddyfile").read_text()
    assert "--appendfsync always" in compose and "--maxmemory-policy noeviction" in compose
    for service, port in re.findall(r"reverse_proxy (\w+):(\d+)", caddy):
        assert port in COMPOSE["services"][service]["command"]
    jobs = yaml.safe_load((CONTAINER / "prometheus.yaml").read_text())["scrape_configs"]
    for found in (each for job in jobs for each in job["dns_sd_configs"]):
        assert str(found["port"]) in COMPOSE["services"][found["names"][0]]["command"]


def test_the_logs_of_clickhouse_about_itself_are_short_or_gone() -> None:
    root = ElementTree.parse(CONTAINER / "clickhouse/config.d/small.xml").getroot()  # noqa: S314 - our own
    logs = [each for each in root if each.tag.endswith("_log")]
    assert {"query_log", "trace_log", "metric_log", "text_log", "asynchronous_metric_log"} <= {log.tag for log in logs}
    for log in logs:
        kept = log.get("remove") != "1"
        # Beside what the server's own file says an engine would not let it start; so the whole of it is replaced.
        assert not kept or (log.get("replace") == "1" and log.find("ttl") is not None), log.tag
    ElementTree.parse(CONTAINER / "clickhouse/users.d/small.xml")  # noqa: S314


def test_compose_is_right_by_its_schema() -> None:
    pytest.importorskip("check_jsonschema")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*command, str(ROOT / "deploy/compose.yaml")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_image_is_right_by_its_linter() -> None:
    own = Path(sys.executable).with_name("hadolint")  # comes with `make setup`
    if not own.exists():
        pytest.skip("no hadolint beside this Python")
    done = subprocess.run([str(own), str(ROOT / "Dockerfile")], capture_output=True, text=True)
    assert done.stdout == ""


def test_the_images_run_without_rights_and_the_last_is_the_clusters() -> None:
    text = (ROOT / "Dockerfile").read_text()
    stages = re.findall(r"^FROM \S+ AS (\S+)$", text, re.MULTILINE)
    assert stages[-2:] == ["local", "cluster"] == [stages[-2], COMPOSE["services"]["api"]["build"]["target"]]
    assert "USER 10001" in text[text.index("AS base") :]
    assert "[local]" in text[text.index("AS local-build") : text.index("AS base")]


@pytest.mark.parametrize("manifest", WORKLOADS, ids=named)
def test_a_workload_runs_known_commands_on_the_ports_it_probes_without_rights(manifest: dict[str, Any]) -> None:
    pod = manifest["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] and not pod["automountServiceAccountToken"]
    (container,) = pod["containers"]
    understood(container["args"])
    ports = {str(one["containerPort"]) for one in container.get("ports", [])}
    assert ports <= set(container["args"])
    probes = {name: container[name]["httpGet"] for name in container if name.endswith("Probe")}
    assert all(str(probe["port"]) in ports for probe in probes.values())
    if manifest["kind"] == "Deployment":
        # A store that is away takes pods out of the service, and restarts none.
        assert probes["readinessProbe"]["path"] == "/health" != probes["livenessProbe"]["path"]
    context = container["securityContext"]
    assert context["readOnlyRootFilesystem"] and not context["allowPrivilegeEscalation"]
    assert context["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize("manifest", MANIFESTS, ids=named)
def test_a_manifest_is_right_by_its_schema(manifest: dict[str, Any]) -> None:
    if manifest["kind"] == "ScaledObject":  # not of Kubernetes itself
        return
    validate = pytest.importorskip("kubernetes_validate")
    validate.validate(manifest, "1.34", strict=True)


def test_what_belongs_to_a_workload_finds_it() -> None:
    labels = [each["spec"]["template"]["metadata"]["labels"] for each in WORKLOADS]
    workloads = {each["metadata"]["name"] for each in WORKLOADS}
    for each in MANIFESTS:
        if each["kind"] in ("Service", "PodDisruptionBudget"):
            selector = each["spec"]["selector"]
            assert selector.get("matchLabels", selector) in labels
        elif each["kind"] in ("HorizontalPodAutoscaler", "ScaledObject"):
            assert each["spec"]["scaleTargetRef"]["name"] in workloads
    budgets = {each["metadata"]["name"] for each in MANIFESTS if each["kind"] == "PodDisruptionBudget"}
    assert budgets == {each["metadata"]["name"] for each in WORKLOADS if each["kind"] == "Deployment"}
    (keda,) = [each for each in MANIFESTS if each["kind"] == "ScaledObject"]
    metadata, topic = keda["spec"]["triggers"][0]["metadata"], wiring.topic("kafka://kafka:9092")
    assert (metadata["topic"], metadata["consumerGroup"]) == (topic, f"throughline-{topic}")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_kustomization_names_what_is_there(overlay: str) -> None:
    made = kustomization(overlay)
    assert {*made["resources"]} - {"../base"} == {
        path.name for path in (KUBERNETES / overlay).glob("*.yaml") if path.name != "kustomization.yaml"
    }
    workloads = {each["metadata"]["name"]: each for each in documents("base") if each["kind"] == "Deployment"}
    assert {each["name"] for each in made.get("replicas", ())} <= set(workloads)
    for patch in made.get("patches", ()):
        for name in patch["target"]["name"].split("|"):
            for step in yaml.safe_load(patch["patch"]):
                place: Any = workloads[name]
                for part in step["path"].strip("/").split("/"):
                    place = place[int(part)] if isinstance(place, list) else place[part]
    literals = [one.split("=")[0] for config in made.get("configMapGenerator", ()) for one in config["literals"]]
    assert set(literals) <= KNOWN


@pytest.mark.parametrize("unit", ["throughline.service", "throughline@.service"])
def test_a_unit_starts_a_command_that_tells_when_it_is_ready(unit: str, tmp_path: Path) -> None:
    text = (SYSTEMD / unit).read_text()
    entries = [line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#")]
    assert ["Type", "notify"] in entries and ["NoNewPrivileges", "yes"] in entries
    (started,) = [value for key, value in entries if key == "ExecStart"]
    for name in ["up"] if unit == "throughline.service" else ["ingest", "worker", "api"]:
        understood(started.replace("%i", name).split()[1:])
    if verify := shutil.which("systemd-analyze"):
        copy = tmp_path / unit
        copy.write_text(text.replace("/opt/throughline/bin/throughline", sys.executable))
        done = subprocess.run([verify, "verify", "--man=no", str(copy)], capture_output=True, text=True)
        assert unit not in done.stderr, done.stderr


def exported() -> set[str]:
    """Every name that a process of ours tells Prometheus."""
    registry: Any = CollectorRegistry()
    for metrics in (IngestMetrics, WorkerMetrics, ApiMetrics):
        metrics(registry)
    nobody: Any = None
    Watcher(Numbers, Book(nobody, []), {}, lambda: 0, registry)
    names = registry._names_to_collectors  # noqa: SLF001 - a metric with labels shows none before it has some
    return {*names, *(metric.name for metric in registry.collect())} | {
        f"{metric.name}_total" for metric in registry.collect() if metric.type == "counter"
    }


def expressions() -> Iterator[str]:
    for group in yaml.safe_load((CONTAINER / "alerts.yaml").read_text())["groups"]:
        yield from (rule["expr"] for rule in group["rules"])
    board = json.loads((CONTAINER / "grafana/dashboards/throughline.json").read_text())
    yield from (target["expr"] for panel in board["panels"] for target in panel["targets"])


def test_rules_and_dashboards_ask_for_what_is_exported() -> None:
    known = exported()
    asked = {name for expression in expressions() for name in re.findall(r"throughline_\w+", expression)}
    assert len(asked) > 20
    assert {name for name in asked if name not in known} == set()


def test_every_alarm_says_what_to_do() -> None:
    described = re.findall(r"^## `(\w+)`", (ROOT / "docs" / "alarms.md").read_text(), re.MULTILINE)
    assert set(KINDS) <= set(described)
    rules = yaml.safe_load((CONTAINER / "alerts.yaml").read_text())["groups"][0]["rules"]
    for rule in rules:
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert page == "docs/alarms.md" and anchor in described, rule["alert"]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool on the PATH")
def test_rules_are_right_by_their_linter() -> None:
    command = ["promtool", "check", "rules", str(CONTAINER / "alerts.yaml")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_panels_of_the_dashboard_do_not_overlap() -> None:
    board = json.loads((CONTAINER / "grafana/dashboards/throughline.json").read_text())
    places = sorted((panel["gridPos"]["y"], panel["gridPos"]["x"]) for panel in board["panels"])
    assert all(one != two for one, two in pairwise(places))
    source = yaml.safe_load((CONTAINER / "grafana" / "datasource.yaml").read_text())["datasources"][0]["uid"]
    assert {panel["datasource"]["uid"] for panel in board["panels"]} == {source}
