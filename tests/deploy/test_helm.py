"""The Helm chart renders the manifests of kustomize's base: its values in their places, and nothing else changed."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.test_cluster import KNOWN, ROOT, documents

helm = pytest.importorskip("helm_python")
CHART = ROOT / "deploy" / "helm"
OURS: dict[str, Any] = {"existingSecret": "ours"}


def rendered(values: dict[str, Any], revision: int = 1) -> dict[str, dict[str, Any]]:
    """Manifests by kind and name."""
    how = {"name": "release", "namespace": "throughline", "revision": revision, "is_upgrade": revision > 1}
    files = helm.Chart.load(str(CHART)).render(values, **how)
    made = [each for text in files.values() for each in yaml.safe_load_all(text) if each]
    found = {f"{each['kind']} {each['metadata']['name']}": each for each in made}
    assert len(found) == len(made)
    return found


def containers(made: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    pods = [each["spec"]["template"]["spec"] for each in made.values() if each["kind"] in ("Deployment", "Job")]
    return {pod["containers"][0]["name"]: pod["containers"][0] for pod in pods}


def test_it_is_the_base_and_its_values() -> None:
    made, base = rendered(OURS), documents("base")
    settings = made.pop("ConfigMap throughline")["data"]
    assert settings.keys() <= KNOWN
    job = made.pop("Job migrate-1")
    job["metadata"]["name"] = "migrate"
    made["Job migrate"] = job
    assert made.keys() == {f"{each['kind']} {each['metadata']['name']}" for each in base}
    for each in base:
        own = made[f"{each['kind']} {each['metadata']['name']}"]
        assert own["metadata"].pop("labels") == {"app.kubernetes.io/part-of": "throughline"}
        if each["kind"] == "Ingress":
            assert own["metadata"].pop("annotations") in ({}, None)
        if each["kind"] in ("Deployment", "Job"):
            (container,) = own["spec"]["template"]["spec"]["containers"]
            assert container.pop("imagePullPolicy") == "IfNotPresent"
            assert container["envFrom"].pop(0) == {"secretRef": {"name": "ours"}}
            container["envFrom"].insert(0, {"secretRef": {"name": "throughline"}})
            container["image"] = container["image"].partition(":")[0]
            annotations = own["spec"]["template"]["metadata"]["annotations"]
            assert len(annotations.pop("throughline/settings")) == 64
            if not annotations:
                del own["spec"]["template"]["metadata"]["annotations"]
        assert own == each


def test_values_land_where_they_belong() -> None:
    made = rendered(
        {
            "image": {"repository": "registry.example/throughline", "tag": "2.0"},
            "replicas": {"worker": 5},
            "resources": {"worker": {"limits": {"memory": "8Gi"}}},
            "addresses": {"eventLog": "kafka://kafka:9092", "redis": 'redis://:p"w@redis', "clickhouse": "http://ch/t"},
            "settings": {"THROUGHLINE_LOG_MAX_BYTES": 3_000_000_000, "THROUGHLINE_SITE_RATE": 0.5},
            "ingress": {
                "host": "a.example",
                "className": "nginx",
                "annotations": {"a": "b"},
                "tls": [{"secretName": "t"}],
            },
        },
        revision=7,
    )
    assert made["Deployment worker"]["spec"]["replicas"] == 5 and made["Deployment api"]["spec"]["replicas"] == 2
    assert {one["image"] for one in containers(made).values()} == {"registry.example/throughline:2.0"}
    assert containers(made)["worker"]["resources"]["limits"] == {"memory": "8Gi"}
    assert containers(made)["worker"]["resources"]["requests"] == {"cpu": "500m", "memory": "512Mi"}
    assert {one["envFrom"][0]["secretRef"]["name"] for one in containers(made).values()} == {"throughline"}
    assert made["Secret throughline"]["stringData"] == {
        "THROUGHLINE_EVENT_LOG": "kafka://kafka:9092",
        "THROUGHLINE_REDIS": 'redis://:p"w@redis',
        "THROUGHLINE_CLICKHOUSE": "http://ch/t",
    }
    settings = made["ConfigMap throughline"]["data"]
    assert (settings["THROUGHLINE_LOG_MAX_BYTES"], settings["THROUGHLINE_SITE_RATE"]) == ("3000000000", "0.5")
    ingress = made["Ingress throughline"]
    assert ingress["metadata"]["annotations"] == {"a": "b"} and ingress["spec"]["ingressClassName"] == "nginx"
    assert (ingress["spec"]["rules"][0]["host"], ingress["spec"]["tls"]) == ("a.example", [{"secretName": "t"}])
    assert made["Job migrate-7"]["metadata"]["annotations"]["helm.sh/hook"] == "pre-upgrade"
    assert "Ingress throughline" not in rendered({**OURS, "ingress": {"enabled": False}})


def test_other_settings_are_other_pods() -> None:
    def told(values: dict[str, Any]) -> str:
        template = rendered(OURS | values)["Deployment api"]["spec"]["template"]
        return str(template["metadata"]["annotations"]["throughline/settings"])

    assert told({}) == told({"replicas": {"api": 3}}) != told({"settings": {"THROUGHLINE_SITE_RATE": 1}})


def test_without_addresses_it_says_what_it_needs() -> None:
    for values in ({}, {"addresses": {"redis": "redis://r", "eventLog": "redis://r"}}):
        with pytest.raises(helm.HelmError, match="give existingSecret, or all of addresses"):
            rendered(values)


@pytest.mark.parametrize("values", [OURS, {"addresses": dict.fromkeys(("eventLog", "redis", "clickhouse"), "x")}])
def test_what_it_renders_is_right_by_its_schemas(values: dict[str, Any]) -> None:
    validate = pytest.importorskip("kubernetes_validate")
    for each in rendered(values).values():
        validate.validate(each, "1.34", strict=True)


def test_its_version_is_ours() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert chart["version"] == chart["appVersion"] == project["version"]
    assert (CHART / "base").readlink() == Path("../kubernetes/base")
