"""Public node ids: writing and reading them.

``dataset:{namespace}:{name}``, ``job:{namespace}:{name}``, ``datasetField:{namespace}:{name}:{field}``, ``run:{id}``,
each with an optional ``#{version}``. Namespaces and names hold colons themselves (ARNs, ``spanner://p:inst``, IPv6,
``topic:p:t``), so an id cannot be split by rule: ``candidate_splits`` gives every reading, the likelier first, to be
looked up among stored names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from headwater.errors import InvalidName
from headwater.model.graph import NodeKind
from headwater.model.run_ids import canonical_run_id

_PREFIXES = {
    "dataset": NodeKind.DATASET,
    "datasetField": NodeKind.FIELD,
    "job": NodeKind.JOB,
    "run": NodeKind.RUN,
}
_WORD_NAMESPACES = ("file", "bigquery", "pubsub", "inmemory://")


class NodeRef(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One reading of a node id. A run has its id as ``name`` and no namespace."""

    kind: NodeKind
    namespace: str = ""
    name: str
    field: str = ""
    version: str = ""


def dataset_id(namespace: str, name: str, version: str = "") -> str:
    """The id of a dataset, or of one version of it."""
    return f"dataset:{namespace}:{name}#{version}" if version else f"dataset:{namespace}:{name}"


def field_id(namespace: str, name: str, field: str) -> str:
    """The id of a column of a dataset."""
    return f"datasetField:{namespace}:{name}:{field}"


def job_id(namespace: str, name: str) -> str:
    """The id of a job."""
    return f"job:{namespace}:{name}"


def run_id(run: str) -> str:
    """The id of a run, from its UUID."""
    return f"run:{run}"


def candidate_splits(text: str) -> Iterator[NodeRef]:
    """Every reading of a node id, the likelier first; the caller takes the first that names something stored.

    Raises:
        InvalidName: the id does not begin with ``dataset:``, ``datasetField:``, ``job:`` or ``run:``, or is too short.
    """
    prefix, colon, rest = text.partition(":")
    kind = _PREFIXES.get(prefix)
    if kind is None or not colon or not rest:
        raise InvalidName(
            field="nodeId",
            value=repr(text)[:80],
            rule="must begin with dataset:, datasetField:, job: or run:",
            hint="for example dataset:postgres://db:5432:shop.public.orders",
        )
    if kind is NodeKind.RUN:
        return iter([_run(rest, text)])
    readings = _readings(kind, rest)
    first = next(readings, None)
    if first is None:
        raise InvalidName(field="nodeId", value=repr(text)[:80], rule="must have a namespace and a name after the kind")
    return _chain(first, readings)


def _chain(first: NodeRef, rest: Iterator[NodeRef]) -> Iterator[NodeRef]:
    yield first
    yield from rest


def _run(rest: str, text: str) -> NodeRef:
    run = canonical_run_id(rest.partition("#")[0])
    if run is None:
        raise InvalidName(field="nodeId", value=repr(text)[:80], rule="must name a run by its UUID")
    return NodeRef(kind=NodeKind.RUN, name=run)


def _readings(kind: NodeKind, rest: str) -> Iterator[NodeRef]:
    for body, version in _versions(rest):
        for namespace, name in _splits(body):
            if kind is not NodeKind.FIELD:
                of = NodeKind.DATASET_VERSION if version and kind is NodeKind.DATASET else kind
                yield NodeRef(kind=of, namespace=namespace, name=name, version=version)
                continue
            for cut in _colons(name):
                if name[:cut] and name[cut + 1 :]:
                    yield NodeRef(
                        kind=kind, namespace=namespace, name=name[:cut], field=name[cut + 1 :], version=version
                    )


def _versions(rest: str) -> Iterator[tuple[str, str]]:
    """The text with nothing taken as version first, for ``#`` may be part of a name; then each ``#`` from the right."""
    yield rest, ""
    cut = rest.rfind("#")
    while cut > 0:
        if rest[cut + 1 :]:
            yield rest[:cut], rest[cut + 1 :]
        cut = rest.rfind("#", 0, cut)


def _splits(body: str) -> Iterator[tuple[str, str]]:
    """Namespace and name at each colon: well-known namespaces first, then from the right, the colon of ``://`` last."""
    known = next((word for word in _WORD_NAMESPACES if body.startswith(f"{word}:")), None)
    cuts = _colons(body)
    if known is not None:
        cuts = [len(known), *(cut for cut in cuts if cut != len(known))]
    likely = [cut for cut in cuts if not body.startswith("://", cut)]
    unlikely = [cut for cut in cuts if body.startswith("://", cut)]
    for cut in (*likely, *unlikely):
        if body[:cut] and body[cut + 1 :]:
            yield body[:cut], body[cut + 1 :]


def _colons(text: str) -> list[int]:
    return [match.start() for match in re.finditer(":", text)][::-1]
