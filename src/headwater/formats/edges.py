"""Derives edges from events: which dataset feeds which, column by column, and with what evidence.

For one event, or for all events of one run together, the strongest claim about a target wins: the explicit
``lineage`` facet, else the output's ``columnLineage``, else every input. An explicit facet on the job suppresses the
cross product for all of its outputs. What a job reads without it reaching an output, and what it writes from nothing
that is tracked, become edges to and from the job itself. So does a large cross product, whose edges would be the square
of the event: every input leads to the job, and the job to every output.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec

from headwater.formats.edge_claims import Claim, Claims, NodeKey
from headwater.model.events import Event
from headwater.model.graph import WHOLE, FieldEdge, How, NodeKind

MOST_PAIRS = 10_000
"""A cross product with more pairs of input and output leads through the job."""

MOST_WIDE_EDGES = 250_000
"""If more column edges than this would come of the dependencies of one whole dataset on another, they stay those of the
whole."""


class Source(msgspec.Struct, frozen=True, kw_only=True, order=True, omit_defaults=True):
    """What feeds a target: a dataset, or a job (``run_id`` when one run of it is meant)."""

    kind: NodeKind
    namespace: str
    name: str
    run_id: str = ""
    how: How
    fields: tuple[FieldEdge, ...] = ()


class Target(msgspec.Struct, frozen=True, kw_only=True, order=True, omit_defaults=True):
    """A dataset or job with all that feeds it. No sources: the event says that there is none that is tracked."""

    kind: NodeKind
    namespace: str
    name: str
    run_id: str = ""
    sources: tuple[Source, ...] = ()


class Lineage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The edges of an event or run, by target, in name order. ``unreadable`` says which claims could not be read."""

    targets: tuple[Target, ...] = ()
    unreadable: tuple[str, ...] = ()


def extract_lineage(event: Event) -> Lineage:
    """The edges that one event shows by itself."""
    claims = Claims()
    claims.add(event)
    return resolve(claims)


def extract_run_lineage(events: Iterable[Event]) -> Lineage:
    """The edges that the events of one run show together, whatever their order, duplication or splitting."""
    claims = Claims()
    for event in events:
        claims.add(event)
    return resolve(claims)


def resolve(claims: Claims) -> Lineage:
    """Weigh collected claims against each other and give the edges."""
    job = min(claims.jobs) if claims.jobs else None
    resolved: dict[NodeKey, dict[NodeKey, Source]] = {}
    for target, sources in claims.declared.items():
        resolved[target] = _declared(claims, target, sources, job)
    others = [target for target in claims.outputs if target not in resolved]
    crossed = [] if claims.is_explicit else [target for target in others if not claims.columns.get(target)]
    is_large = job is not None and len(crossed) * len(claims.inputs) > MOST_PAIRS
    for target in others:
        resolved[target] = _observed(claims, target, job, is_large=is_large)
    if job is not None:
        if is_large:
            reads = resolved.setdefault(job, {})
            for key in claims.inputs:
                reads.setdefault(key, _source(claims, key, job, None, How.PRODUCT))
        _add_unused_inputs(claims, resolved, job)
    targets = [
        Target(
            kind=NodeKind.JOB if target[0] else NodeKind.DATASET,
            namespace=claims.shown(target)[0],
            name=claims.shown(target)[1],
            run_id=target[3],
            sources=tuple(sources[key] for key in sorted(sources)),
        )
        for target, sources in sorted(resolved.items(), key=_by_key)
    ]
    return Lineage(targets=tuple(targets), unreadable=tuple(sorted(claims.unreadable)))


def _by_key(item: tuple[NodeKey, object]) -> NodeKey:
    return item[0]


def _declared(
    claims: Claims, target: NodeKey, sources: dict[NodeKey, Claim], job: NodeKey | None
) -> dict[NodeKey, Source]:
    """Edges of a target named by a ``lineage`` facet; ``columnLineage`` adds columns where the facet gives none."""
    columns = claims.columns.get(target, {})
    has_fields = any(claim.fields or claim.wide for claim in sources.values())
    found = {}
    for key, claim in sources.items():
        how = How.DECLARED if claim.is_stated else How.INFERRED
        source = claim if has_fields else columns.get(key, claim)
        found[key] = _source(claims, key, target, source, how)
    if not found and job is not None and not target[0]:
        found[job] = _source(claims, job, target, None, How.DECLARED)
    return found


def _observed(claims: Claims, target: NodeKey, job: NodeKey | None, *, is_large: bool) -> dict[NodeKey, Source]:
    """Edges of an output that no ``lineage`` facet names: from its columns, else from every input, or from the job if
    the cross product ``is_large``."""
    columns = claims.columns.get(target)
    if columns:
        return {
            key: _source(claims, key, target, claim, How.COLUMN if claim.is_stated else How.INFERRED)
            for key, claim in columns.items()
        }
    if is_large and job is not None:
        return {job: _source(claims, job, target, None, How.PRODUCT)}
    if claims.inputs and not claims.is_explicit:
        return {key: _source(claims, key, target, None, How.PRODUCT) for key in claims.inputs}
    return {} if job is None else {job: _source(claims, job, target, None, How.DECLARED)}


def _add_unused_inputs(claims: Claims, resolved: dict[NodeKey, dict[NodeKey, Source]], job: NodeKey) -> None:
    used = {key for sources in resolved.values() for key in sources}
    for key in claims.inputs:
        if key not in used:
            resolved.setdefault(job, {})[key] = _source(claims, key, job, None, How.DECLARED)


def _source(claims: Claims, key: NodeKey, target: NodeKey, claim: Claim | None, how: How) -> Source:
    namespace, name = claims.shown(key)
    fields: tuple[FieldEdge, ...] = ()
    if claim is not None and (claim.fields or claim.wide):
        fields = _fields(claim, claims.fields_of(target) if claim.wide else (), is_data=not target[0])
    kind = NodeKind.JOB if key[0] else NodeKind.DATASET
    return Source(kind=kind, namespace=namespace, name=name, run_id=key[3], how=how, fields=fields)


def _fields(claim: Claim, targets: Collection[str], *, is_data: bool) -> tuple[FieldEdge, ...]:
    """Column edges in order, a dependency of the whole dataset spelled out onto each of its fields. Of data without
    fields (a picture, a text), or with too many for too many dependencies, the target is the whole of it, ``WHOLE``."""
    if not claim.wide:
        return _in_order(claim.fields)
    if len(claim.wide) * len(targets) > MOST_WIDE_EDGES:
        targets = (WHOLE,)
    return _in_order(
        claim.fields.union(
            FieldEdge(
                source_field=field,
                target_field=name,
                type=type_,
                subtype=subtype,
                masking=masking,
                description=description,
            )
            for field, type_, subtype, masking, description in claim.wide
            for name in targets or ((WHOLE,) if is_data else ())
        )
    )


def _in_order(edges: frozenset[FieldEdge]) -> tuple[FieldEdge, ...]:
    return tuple(sorted(edges, key=_field_order)) if edges else ()


def _field_order(edge: FieldEdge) -> tuple[str, str, str, str, bool, str]:
    return (edge.target_field, edge.source_field, edge.type, edge.subtype, edge.masking, edge.description)
