"""Our own facets: schemas are valid, examples follow them, and the typed values agree with both."""

import json
from pathlib import Path

import msgspec
import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from referencing import Registry, Resource

from headwater.formats.headwater_facets import OWN_FACETS, facet, read_own, schema_url, to_facet
from headwater.formats.record import read_record, to_document

SPEC = Path(__file__).parents[2] / "spec"
EXAMPLES = sorted(SPEC.glob("examples/*/*.json"))

# The part of the standard's core schema that facets build on.
CORE = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://openlineage.io/spec/2-0-2/OpenLineage.json",
    "$defs": {
        "BaseFacet": {
            "type": "object",
            "properties": {
                "_producer": {"type": "string", "format": "uri"},
                "_schemaURL": {"type": "string", "format": "uri"},
            },
            "additionalProperties": True,
            "required": ["_producer", "_schemaURL"],
        },
        "RunFacet": {"allOf": [{"$ref": "#/$defs/BaseFacet"}]},
        "DatasetFacet": {
            "allOf": [{"$ref": "#/$defs/BaseFacet"}],
            "properties": {"_deleted": {"type": "boolean"}},
        },
    },
}


def schema(name):
    """The schema of one of our facets."""
    return json.loads((SPEC / f"{name}.json").read_text())


def validator(name):
    """A validator for documents that hold the facet under its key."""
    registry = Registry().with_resource(CORE["$id"], Resource.from_contents(CORE))
    checker = Draft202012Validator.FORMAT_CHECKER
    return Draft202012Validator(schema(name), registry=registry, format_checker=checker)


def test_every_facet_has_a_schema_and_an_example():
    """Code, schemas and examples list the same facets."""
    assert {path.stem for path in SPEC.glob("*.json")} == OWN_FACETS.keys()
    assert {path.parent.name for path in EXAMPLES} == OWN_FACETS.keys()


@pytest.mark.parametrize("name", OWN_FACETS)
def test_a_schema_is_valid_and_named(name):
    """Draft 2020-12, the address that facets carry, every member described, and built on the standard's base."""
    document = schema(name)
    Draft202012Validator.check_schema(document)
    assert document["$id"] == schema_url(name)
    ((_, body),) = document["$defs"].items()
    base, own = body["allOf"]
    assert base["$ref"].rpartition("/")[2] == ("RunFacet" if OWN_FACETS[name].OF == "run" else "DatasetFacet")
    assert own["additionalProperties"] is True
    assert all(part.get("description") or "oneOf" in part for part in own["properties"].values())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_an_example_follows_its_schema_and_its_type(path):
    """Each example validates, is read as the typed facet, and is written as it was."""
    document, kind = json.loads(path.read_text()), OWN_FACETS[path.parent.name]
    validator(kind.KEY).validate(document)
    raws = {key: msgspec.Raw(json.dumps(body).encode()) for key, body in document.items()}
    value = read_own(raws, kind)
    assert value is not None
    again = to_facet(value)
    validator(kind.KEY).validate({kind.KEY: again})
    assert again == {**document[kind.KEY], "_producer": again["_producer"]}


@pytest.mark.parametrize("name", OWN_FACETS)
def test_a_schema_refuses_what_it_should(name):
    """A facet without its producer, or without a member that it needs, is not valid."""
    example = json.loads((SPEC / "examples" / name / "1.json").read_text())[name]
    ((_, body),) = schema(name)["$defs"].items()
    for member in ["_producer", "_schemaURL", *body["allOf"][1].get("required", [])]:
        broken = {key: value for key, value in example.items() if key != member}
        with pytest.raises(ValidationError):
            validator(name).validate({name: broken})


@pytest.mark.parametrize("name", OWN_FACETS)
def test_members_of_the_type_are_members_of_the_schema(name):
    """Nothing is written that the schema does not describe."""
    ((_, body),) = schema(name)["$defs"].items()
    assert set(OWN_FACETS[name].__struct_encode_fields__) <= body["allOf"][1]["properties"].keys()


def test_a_built_facet_is_whole():
    """The builder adds producer and address, and the result follows the schema."""
    built = facet("headwater_parameters", parameters={"depth": 3})
    validator("headwater_parameters").validate({"headwater_parameters": built})


def test_a_record_follows_the_schema_of_its_facet():
    """What ``read_record`` takes, the schema takes, and the other way round for the example."""
    example = json.loads((SPEC / "examples/headwater_record/1.json").read_text())["headwater_record"]
    record = read_record({key: value for key, value in example.items() if not key.startswith("_")})
    body = facet("headwater_record", **to_document(record))
    validator("headwater_record").validate({"headwater_record": body})
    assert body == {**example, "_producer": body["_producer"]}
