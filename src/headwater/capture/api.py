"""The capture API that user code calls. The package ``headwater`` exports these names."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from headwater.capture import context
from headwater.capture.client import Client
from headwater.capture.config import Config, load
from headwater.capture.process_lifecycle import unwatch, watch
from headwater.capture.recorder import Recorder
from headwater.capture.runs import Dataset, Run, checked_name, checked_operation, checked_parameters, new_run_id


class _Process:
    """The client of this process."""

    client: Client | None = None
    lock = threading.RLock()


_PROCESS = _Process()


def init(
    name: str | None = None,
    *,
    namespace: str | None = None,
    store: str | os.PathLike[str] | None = None,
    transport: str | Mapping[str, Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    integrations: Sequence[str] | None = None,
    without_integrations: Sequence[str] | None = None,
    **settings: Any,
) -> Run:
    """Start capturing in this process, and return the run that represents the whole process.

    ``name`` is the name of the job and defaults to the path of the script in its project. The other parameters are
    settings (see the settings reference); those that are not given come from the environment, the settings file and
    the defaults. A second call returns the same run, or, if its settings differ, ends that run and starts a new one.
    Under ``headwater run`` it returns the run that is already open.

    Raises:
        ConfigError: a setting is unknown or has an invalid value. What is being recorded goes on.
        InvalidInput: ``parameters`` is no mapping from names to values.
    """
    checked_parameters(parameters)
    keywords = {
        "namespace": namespace,
        "store": os.fspath(store) if store is not None else None,
        "transport": dict(transport) if isinstance(transport, Mapping) else transport,
        "tags": dict(tags) if tags is not None else None,
        "integrations": list(integrations) if integrations is not None else None,
        "without_integrations": list(without_integrations) if without_integrations is not None else None,
        **settings,
    }
    given = {key: value for key, value in keywords.items() if value is not None}
    with _PROCESS.lock:
        if _PROCESS.client is not None and given and given != _PROCESS.client.keywords:
            config = load(given)  # before anything is ended: a wrong setting leaves the run that is open as it is
            shutdown()
        else:
            config = None
        client = ensure_client(given, config)
        if client is None:
            return _unrecorded(name or default_name(Path.cwd()))
        run = client.root
        if run is None:
            run = client.open_root(name or default_name(client.config.project), facts=process_facts(client))
        run.parameters(parameters)
        return run


def process_facts(client: Client) -> Any:
    """The facts about the job that this process is: its script, code and environment."""
    from headwater.capture.job_facts import facts_of_process

    return facts_of_process(client)


def ensure_client(keywords: Mapping[str, Any] | None = None, config: Config | None = None) -> Client | None:
    """The client, created with these settings if there is none yet. None if capture is disabled."""
    with _PROCESS.lock:
        if _PROCESS.client is None:
            config = config or load(keywords)
            if config.settings.disabled:
                return None
            _PROCESS.client = Client(config, keywords)
            watch(_PROCESS.client)
            _PROCESS.client.install()
        return _PROCESS.client


def _unrecorded(name: str) -> Run:
    """A run that records nothing, returned by ``init`` and ``run`` while capture is disabled."""
    return Run(None, Recorder("", "", name, max_items=0), None)


def default_name(project: Path) -> str:
    """The default name of this process's job: the path of its script or notebook within the project, or the name of
    its module."""
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    if spec is not None and spec.name:
        return str(spec.name).removesuffix(".__main__")
    file = getattr(main, "__file__", None) or _notebook(main)
    if not file:
        return "interactive"
    return script_name(Path(file), project)


def _notebook(main: object) -> str:
    """The path of the notebook whose kernel this process is, as the server or the editor that started it tells it."""
    path = str(getattr(main, "__vsc_ipynb_file__", "") or os.environ.get("JPY_SESSION_NAME", ""))
    return path if hasattr(sys, "ps1") and path.endswith(".ipynb") else ""


def script_name(script: Path, project: Path) -> str:
    """The path of a script within its project, with slashes, or its file name if it is outside."""
    try:
        return script.resolve().relative_to(project.resolve()).as_posix()
    except ValueError:
        return script.name


def run(
    name: str,
    *,
    operation: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    namespace: str | None = None,
) -> Run:
    """Start a run of the job ``name``: ``with headwater.run("train") as r: ...``. The body belongs to the run.

    ``operation`` is ETL, FEATURE_COMPUTATION, MODEL_TRAINING or INFERENCE.

    Raises:
        InvalidInput: ``operation`` is none of these, a name (of the job, its namespace, a parameter) is not a string,
            or ``parameters`` is no mapping.
    """
    checked_name("name", name)
    if namespace is not None:
        checked_name("namespace", namespace)
    checked_parameters(parameters)
    checked_operation(operation)
    client = ensure_client()
    if client is None:
        return _unrecorded(name)
    return client.open_run(name, namespace=namespace, operation=operation, parameters=parameters)


def current_run() -> Run | None:
    """The run that the calling code belongs to, or None if nothing is being recorded."""
    client, recorder = _PROCESS.client, context.current()
    if client is None or recorder is None:
        return None
    return client.run_of(recorder)


def read(dataset: Dataset, obj: object = None, *, type: str | None = None) -> None:
    """Record that the current run read ``dataset`` (a path, a URI, or a namespace and name), into ``obj`` if given."""
    active = current_run()
    if active is not None:
        active.read(dataset, obj, type=type)


def write(dataset: Dataset, obj: object = None, *, type: str | None = None) -> None:
    """Record that the current run wrote ``dataset``, from ``obj`` if given."""
    active = current_run()
    if active is not None:
        active.write(dataset, obj, type=type)


def record(document: Mapping[str, Any]) -> str:
    """Record one operation explicitly, as a flat lineage record, and return its ``lineage_id``. A record without one
    gets a new one.

    Raises:
        InvalidRecord: the document is invalid; the message names the field.
    """
    from headwater.formats.record import read_record, to_events

    client = ensure_client()
    if isinstance(document, Mapping) and "lineage_id" not in document:
        document = {"lineage_id": new_run_id(), **document}
    record = read_record(document)
    if client is not None:
        client.emit(to_events(record, namespace=client.config.namespace, cwd=str(Path.cwd())))
    return str(record.lineage_id)


def flush(timeout_s: float | None = None) -> bool:
    """Wait until everything recorded so far is delivered. Return False if some of it stays in the spool instead."""
    client = _PROCESS.client
    return client.flush(timeout_s) if client is not None else True


def shutdown(timeout_s: float | None = None) -> bool:
    """End all runs, deliver what is pending, and remove all hooks. ``init`` starts capturing again."""
    with _PROCESS.lock:
        client = _PROCESS.client
        if client is None:
            return True
        is_done = client.shutdown(timeout_s=timeout_s)
        client.worker.stop(1.0)
        client.uninstall()
        unwatch()
        _PROCESS.client = None
        return is_done


def configured(store: str | os.PathLike[str] | None = None) -> Config:
    """The configuration of the client, or that of this folder if there is no client or another store is given."""
    client = _PROCESS.client
    if client is not None and store is None:
        return client.config
    return load({"store": os.fspath(store)} if store is not None else None)
