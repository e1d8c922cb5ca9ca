"""The API does what its description says: Schemathesis asks every operation, with good values and bad ones."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from importlib.metadata import version

import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from schemathesis import BaseSchema, Case
from schemathesis.specs.openapi.checks import positive_data_acceptance

from headwater.server.access.control_rows import Tenant
from headwater.server.app import create_app
from headwater.server.openapi import describe, is_described
from headwater.server.permissions import SCOPES, Permission
from headwater.server.routes import operations
from headwater.server.settings import Settings
from query.histories import encoded, project

EXAMPLES = int(os.environ.get("HEADWATER_API_EXAMPLES", "5"))
"""Calls of each operation; ``just fuzz-api`` makes it many more."""


DOCUMENT = describe(operations(), version=version("headwater"))
ENDLESS = {"/api/v1/stream"}
"""What never ends is asked elsewhere (test_live.py)."""
DESCRIBED = [
    (method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods if path not in ENDLESS
]


_STATS = [("GET", f"/api/v1/stats/{one}") for one in ("lineage-events", "jobs", "datasets", "sources")]
GRAMMARS = {("GET", "/api/v1/nodes"), ("GET", "/api/v1/graph"), ("POST", "/api/v1/shares"), *_STATS} | {
    (one.method, one.path) for one in operations() if one.media_types
}
"""Operations that take a selector, an event or a time zone: what is good there, no JSON schema can say."""
MAKERS = "/api/v1/namespaces"
"""Operations that make objects have a tenant of their own: what they make changes what a short name stands for."""


@pytest.fixture(scope="module")
def apis(listen) -> Iterator[dict[bool, BaseSchema]]:
    """The description, by whether it is for those that make objects, with an application over the sample project behind
    it, and a key for everything."""
    app = create_app(Settings(store="memory://"))
    with listen(app) as url:
        found = {}
        for tenant in ("default", "makers"):
            app.service.control.add_tenant(Tenant(name=tenant, created_at=0))
            with app.service.stores.writing(tenant) as store:
                store.append(encoded(project(3) + project(4, trees=200)))
            scopes = {*SCOPES, Permission.OPERATE}
            key = app.service.administration.issue_key(tenant, who="test", scopes=scopes).secret
            schema = schemathesis.openapi.from_dict(DOCUMENT)
            schema.config.update(headers={"Authorization": f"Bearer {key}"}, base_url=url)
            found[tenant == "makers"] = schema
        yield found
    app.service.close()


@pytest.mark.parametrize(("method", "path"), DESCRIBED, ids=[" ".join(one) for one in DESCRIBED])
def test_no_operation_surprises(apis, method, path):
    """No 5xx, the declared statuses and types, bad input refused and good input taken, 401 without a key."""
    api = apis[path.startswith(MAKERS)]

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @seed(0)
    @given(case=api[path][method].as_strategy())
    def ask(case: Case) -> None:
        case.call_and_validate(excluded_checks=[positive_data_acceptance] if has_grammar else [])

    has_grammar = (method, path) in GRAMMARS
    ask()


def test_every_operation_is_described():
    """Each operation for programs is described with its permission, and every reference leads somewhere."""
    for operation in operations():
        if is_described(operation):
            described = DOCUMENT["paths"][operation.path][operation.method.lower()]
            assert described["x-permission"] == operation.permission.value
            assert described["description"]
    text = msgspec.json.encode(DOCUMENT).decode()
    for name in set(re.findall(r"#/components/schemas/(\w+)", text)):
        assert name in DOCUMENT["components"]["schemas"]


def test_names_of_operations_are_unique():
    """Generators of clients need a name for each."""
    ids = [one["operationId"] for methods in DOCUMENT["paths"].values() for one in methods.values()]
    assert len(ids) == len(set(ids))
