"""Looks up the objects named in a path, or raises Marquez's message."""

from __future__ import annotations

from headwater.model.graph import NodeKind
from headwater.model.names import normalise
from headwater.model.run_ids import canonical_run_id
from headwater.server.access.tenant_documents import Documents
from headwater.server.routes.marquez.errors import Missing
from headwater.storage.base import Store
from headwater.storage.row_types import NodeRow, RunRow

DEFAULT_NAMESPACE = "default"
"""Exists without being created, as in Marquez."""
NAMESPACE, SOURCE, DATASET, TAG = "marquez.namespace", "marquez.source", "marquez.dataset", "marquez.tag"
"""Kinds of documents, for properties of a namespace, source, dataset or tag that events cannot express."""


def normal_namespace(name: str) -> str:
    """The form in which namespaces are compared."""
    return normalise(name, "x").namespace


def dataset_key(namespace: str, name: str) -> str:
    """The name of a dataset's document."""
    return "\n".join(normalise(namespace, name))


def is_namespace(store: Store, documents: Documents, tenant: str, name: str) -> bool:
    """Whether there is a namespace with that name."""
    if name == DEFAULT_NAMESPACE or store.namespace(name) is not None:
        return True
    return documents.get(tenant, NAMESPACE, normal_namespace(name)) is not None


class Finder:
    """Finds the objects named in a path, for one tenant."""

    def __init__(self, store: Store, documents: Documents, tenant: str) -> None:
        self._store = store
        self._documents = documents
        self._tenant = tenant

    def namespace(self, name: str) -> None:
        """Check that a namespace exists. Raises ``Missing``."""
        if not is_namespace(self._store, self._documents, self._tenant, name):
            raise Missing("Namespace", name)

    def dataset(self, namespace: str, name: str) -> NodeRow:
        """A dataset that is not deleted. Raises ``Missing``."""
        return self._node(NodeKind.DATASET, namespace, name)

    def job(self, namespace: str, name: str) -> NodeRow:
        """A job that is not deleted. Raises ``Missing``."""
        return self._node(NodeKind.JOB, namespace, name)

    def _node(self, kind: NodeKind, namespace: str, name: str) -> NodeRow:
        found = self._store.find(kind, namespace, name)
        if found is None or found.is_deleted:
            self.namespace(namespace)
            raise Missing(kind.value.capitalize(), name)
        return found

    def run(self, run_id: str) -> RunRow:
        """A run. Raises ``Missing``."""
        canonical = canonical_run_id(run_id)
        found = self._store.run(canonical) if canonical is not None else None
        if found is None:
            raise Missing("Run", run_id)
        return found

    def job_of(self, run: RunRow) -> NodeRow:
        """The job of a run."""
        return self._store.nodes([run.job_id])[0]
