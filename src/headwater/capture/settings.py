"""The settings of capture: their types, defaults and meaning. :mod:`headwater.capture.config` finds their values."""

from __future__ import annotations

from typing import Any, Final, Literal, get_args, get_type_hints

import msgspec

TransportKind = Literal["embedded", "http", "file", "console", "memory", "composite", "discard"]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting, resolved. ``DOCS`` says what each means."""

    disabled: bool = False
    namespace: str = ""
    store: str = ""
    transport: dict[str, Any] = {}
    integrations: tuple[str, ...] | None = None
    without_integrations: tuple[str, ...] = ()
    tags: dict[str, str] = {}
    environment_variables: tuple[str, ...] = ()
    source_code: bool = True
    profile: bool = True
    profile_budget_s: float = 2.0
    flush_interval_s: float = 0.5
    flush_timeout_s: float = 30.0
    max_items: int = 1_000_000
    max_queue_bytes: int = 64 * 1024 * 1024
    spool_max_bytes: int = 256 * 1024 * 1024
    redact_keys: tuple[str, ...] = ()
    redact_patterns: tuple[str, ...] = ()
    redact_emails: bool = False
    verbose: bool = False
    quiet: bool = False


DOCS: Final[dict[str, str]] = {
    "disabled": "Record nothing and send nothing.",
    "namespace": "Namespace of jobs. Default: the name of the project folder.",
    "store": "Folder of the embedded store. Default: `.headwater` in the project folder.",
    "transport": "Where events go: a kind, or a table with `kind` and its own keys.",
    "integrations": "The only integrations to enable. Default: all whose library is imported.",
    "without_integrations": "Integrations to disable.",
    "tags": "Tags for every run, as keys and values.",
    "environment_variables": "Names of environment variables to record with each run (redacted). Default: none.",
    "source_code": "Whether the source of scripts, notebooks and steps is stored, redacted, for code diffs.",
    "profile": "Whether datasets get statistics and fingerprints.",
    "profile_budget_s": "Processor seconds that profiling one dataset may take.",
    "flush_interval_s": "Seconds between two passes of the worker over recorded operations.",
    "flush_timeout_s": "Seconds to wait for delivery at the end of the process; the rest stays in the spool.",
    "max_items": "Operations kept per run; any more are dropped and counted.",
    "max_queue_bytes": "Bytes of events that may wait in memory; any more go to the spool.",
    "spool_max_bytes": "Bytes that the spool may use on disk; any more events are dropped, counted and marked.",
    "redact_keys": "Names whose values are secret, in addition to the built-in ones.",
    "redact_patterns": "Regular expressions for secret text, in addition to the built-in ones.",
    "redact_emails": "Whether e-mail addresses are masked too.",
    "verbose": "Whether capture reports on standard error, at the end, what it did and what did not work.",
    "quiet": "Whether capture prints nothing on standard error, not even if lineage could not be delivered.",
}

TRANSPORT_DOCS: Final[dict[str, dict[str, str]]] = {
    "embedded": {},
    "http": {
        "url": "Base address of the server.",
        "endpoint": "Path below it. Default: `api/v1/lineage`.",
        "api_key": "Sent as `Authorization: Bearer`.",
        "compression": "`gzip` or `none`. Default: `gzip`.",
        "timeout_s": "Seconds for one request. Default: 5.",
        "retries": "Attempts after the first, on connection errors and 5xx; at most 2 at the end. Default: 5.",
        "verify": "Whether the certificate is checked. Default: true.",
        "ca_file": "File of certificate authorities to trust.",
        "headers": "Additional request headers, as a table.",
        "batch": "Whether `{endpoint}/batch` is used if the server supports it. Default: true.",
    },
    "file": {"path": "File of JSON lines to append to."},
    "console": {},
    "memory": {},
    "composite": {
        "transports": "The transports to send to: a list of tables, or a table of tables by name.",
        "continue_on_failure": "Whether the others still receive events if one fails. Default: true.",
    },
    "discard": {},
}


def setting_types() -> dict[str, Any]:
    """The type of each setting by name."""
    return get_type_hints(Settings)


def transport_kinds() -> tuple[str, ...]:
    """The kinds of transports."""
    return get_args(TransportKind)
