"""Every facet of the standard, built with the standard's own Python client, survives byte for byte."""

import importlib
import json
import pkgutil
import types
import typing
import uuid

import attr
import pytest
from openlineage.client import facet_v2, generated, serde

from headwater.formats import dataset_facets, openlineage, run_facets
from headwater.formats.dataset_facets import Facet, decode_facet, write_facet

from .documents import run_event


def facet_classes():
    """Every concrete facet class of the client, by name."""
    found = {}
    for module in pkgutil.iter_modules(generated.__path__):
        members = vars(importlib.import_module(f"openlineage.client.generated.{module.name}"))
        found |= {
            name: kind
            for name, kind in members.items()
            if isinstance(kind, type) and issubclass(kind, facet_v2.BaseFacet) and module_of(kind) == module.name
        }
    return {name: kind for name, kind in sorted(found.items()) if module_of(kind) != "base"}


def module_of(kind):
    """The last part of a class's module."""
    return kind.__module__.rpartition(".")[2]


def sample(kind, name="", depth=0):
    """A value of an annotated type, every optional member filled in."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        chosen = [argument for argument in arguments if argument is not type(None)]
        return sample(chosen[0], name, depth)
    if origin in (list, tuple):
        return [] if depth > 4 else [sample(arguments[0], name, depth + 1)]
    if origin is dict:
        return {"key é": sample(arguments[1], name, depth + 1)}
    if origin is typing.Literal:
        return arguments[0]
    if attr.has(kind):
        names = {**vars(importlib.import_module(kind.__module__)), "ClassVar": typing.ClassVar}
        hints = typing.get_type_hints(kind, names)
        fields = [field for field in attr.fields(kind) if field.init and not field.name.startswith("_")]
        filled = {field.name: sample(hints[field.name], field.name, depth + 1) for field in fields}
        return kind(**{key: value for key, value in filled.items() if value is not ...})
    if kind is str:
        return text(name)
    plain = {int: 7, float: 0.5, bool: True, typing.Any: {"any": [1, None]}, object: {"any": 1}}
    if isinstance(kind, type) and kind not in plain and hasattr(kind, "__members__"):
        return next(iter(kind.__members__.values()))
    return plain.get(kind, ...)


def text(name):
    """A string that passes the client's validators for a member of that name."""
    if "runId" in name:
        return str(uuid.UUID(int=7))
    if "time" in name.lower() or name in ("lastUpdated", "captureDate"):
        return "2026-03-01T12:00:00.000Z"
    return "https://example.com/x" if name.lower().endswith(("uri", "url")) else f'text of {name}: "é" \\ \n'


CLASSES = facet_classes()


def test_every_schema_of_the_standard_has_a_class():
    """The client generates its classes from the specification: none is left out of the round trips below."""
    assert len(CLASSES) >= 38
    assert {"LineageJobFacet", "SchemaDatasetFacet", "ParentRunFacet", "ColumnLineageDatasetFacet"} <= CLASSES.keys()


@pytest.mark.parametrize("name", CLASSES)
def test_a_standard_facet_comes_back_byte_for_byte(name):
    """As run, job, dataset, input and output facet: the bytes that the client wrote are the bytes that are written."""
    body = serde.Serde.to_json(sample(CLASSES[name])).encode()
    assert len(json.loads(body)) > 1
    document = json.dumps(run_event(inputs=["@"], outputs=["#"], run="%")).encode()
    member = b'{"key": ' + body + b"}"
    named = b'{"namespace": "n", "name": "d", "facets": ' + member
    raw = document.replace(b'"@"', named + b', "inputFacets": ' + member + b"}")
    raw = raw.replace(b'"#"', named + b', "outputFacets": ' + member + b"}")
    raw = raw.replace(b'"%"', b'{"runId": "01913e9c-6b9d-7f00-8000-123456789abc", "facets": ' + member + b"}")
    event = openlineage.decode(raw)
    assert openlineage.encode(event).count(body) == 5
    assert openlineage.decode(openlineage.encode(event)) == event


OURS = [
    kind
    for module in (dataset_facets, run_facets)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Facet) and kind.SCHEMA
]


@pytest.mark.parametrize("kind", sorted(set(OURS), key=lambda kind: kind.SCHEMA), ids=lambda kind: kind.SCHEMA)
def test_a_typed_facet_reads_and_writes_what_the_client_does(kind):
    """Our typed facets lose no member they know: what the client wrote is read, written and read again as equal."""
    reference = CLASSES[kind.SCHEMA]
    body = serde.Serde.to_json(sample(reference)).encode()
    read = decode_facet(body, kind)
    again = json.loads(bytes(write_facet(read)))
    expected = json.loads(body)
    for key in (key for key in expected if not key.startswith("_")):
        if key in kind.__struct_encode_fields__:
            assert contains(expected[key], again[key]), key
    assert again["_schemaURL"].endswith(f"#/$defs/{kind.SCHEMA}")
    assert again["_schemaURL"] == reference._get_schema()
    assert openlineage.find_facet({"odd": write_facet(read)}, kind.KEY, kind.SCHEMA) is not None


def contains(whole, part):
    """Whether ``part`` holds nothing that ``whole`` does not, and at least its required members."""
    if isinstance(part, dict):
        return all(key in whole and contains(whole[key], value) for key, value in part.items())
    if isinstance(part, list):
        return len(part) == len(whole) and all(contains(a, b) for a, b in zip(whole, part, strict=True))
    return whole == part
