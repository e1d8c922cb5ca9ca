"""The chart, as Helm makes it: skipped where there is no ``helm`` on the path."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

CHART = Path(__file__).resolve().parents[2] / "deploy/helm/headwater"
ALL = {
    "replicas": "3",
    "workers": "4",
    "database.secret": "mine",
    "oidc.issuer": "https://id.example.com",
    "oidc.audience": "lineage",
    "service.type": "NodePort",
    "service.port": "8080",
    "ingress.enabled": "true",
    "ingress.className": "nginx",
    "ingress.host": "lineage.example.org",
    "ingress.tlsSecret": "certificate",
    "gracePeriodSeconds": "60",
}


def helm(*words: str) -> str:
    """What Helm prints; it must succeed."""
    program = shutil.which("helm")
    if program is None:
        pytest.skip("there is no helm on the path")
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def made(values: dict[str, str]) -> dict[str, dict]:
    """The manifests by their kind."""
    words = [word for name, value in values.items() for word in ("--set", f"{name}={value}")]
    documents = yaml.safe_load_all(helm("template", "lineage", str(CHART), *words))
    return {document["kind"]: document for document in documents if document}


@pytest.mark.parametrize("values", [{}, ALL], ids=["default", "all"])
def test_helm_finds_nothing_to_say(values: dict[str, str]) -> None:
    """``helm lint --strict`` over the chart with these values."""
    helm("lint", "--strict", str(CHART), *[word for one in values.items() for word in ("--set", "=".join(one))])


def test_by_default_there_is_no_way_in_from_outside() -> None:
    """A service within the cluster, a deployment; no ingress, nobody who vouches for people."""
    found = made({})
    assert set(found) == {"Service", "Deployment"}
    (container,) = found["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert [one["name"] for one in container["env"]] == ["HEADWATER_STORE", "HEADWATER_LISTEN_URL", "HEADWATER_WORKERS"]


def test_every_value_arrives() -> None:
    """Each value that is set is found at its place in what Kubernetes is given."""
    found = made(ALL)
    pods, service, ingress = found["Deployment"]["spec"], found["Service"]["spec"], found["Ingress"]["spec"]
    (container,) = pods["template"]["spec"]["containers"]
    environment = {one["name"]: one for one in container["env"]}
    assert pods["replicas"] == 3
    assert pods["template"]["spec"]["terminationGracePeriodSeconds"] == 60
    assert environment["HEADWATER_WORKERS"]["value"] == "4"
    assert environment["HEADWATER_STORE"]["valueFrom"]["secretKeyRef"] == {"name": "mine", "key": "url"}
    assert environment["HEADWATER_OIDC_ISSUER"]["value"] == "https://id.example.com"
    assert environment["HEADWATER_OIDC_AUDIENCE"]["value"] == "lineage"
    assert (service["type"], service["ports"][0]["port"]) == ("NodePort", 8080)
    assert service["selector"].items() <= pods["template"]["metadata"]["labels"].items()
    assert pods["selector"]["matchLabels"] == service["selector"]
    assert service["ports"][0]["targetPort"] in {port["name"] for port in container["ports"]}
    assert ingress["ingressClassName"] == "nginx"
    assert ingress["tls"] == [{"hosts": ["lineage.example.org"], "secretName": "certificate"}]
    (rule,) = ingress["rules"]
    assert rule["host"] == "lineage.example.org"
    backend = rule["http"]["paths"][0]["backend"]["service"]
    assert backend == {"name": found["Service"]["metadata"]["name"], "port": {"name": service["ports"][0]["name"]}}
