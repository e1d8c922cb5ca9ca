"""All errors that Headwater raises.

HeadwaterError
├── ConfigError            a setting is missing, unknown or has the wrong shape
├── InvalidInput           an argument or document is invalid
│   ├── InvalidEvent       an OpenLineage event
│   ├── InvalidRecord      a flat record
│   ├── InvalidName        a dataset, job or node name
│   └── InvalidSelector    a selector expression
├── NotFound               no node, run or version has that name; carries similar names
├── StoreError             the store cannot do what was asked
│   ├── StoreUnavailable   the server of the store cannot be reached, or is not serving
│   ├── StoreLocked        another process holds the writer lock
│   ├── StoreReadOnly      the folder or file may not be written
│   ├── StoreFull          the disk is full
│   ├── StoreCorrupt       the file failed its integrity check
│   ├── StoreOutdated      an earlier version wrote it, and its views are not rebuilt yet
│   ├── StoreTooNew        written by a later version of Headwater
│   └── NoLineage          there is no store, or nothing in it
├── ServiceError           a service did not answer a question: it is down, or refuses access
├── TransportError         an event could not be delivered (inside capture only, never raised into the host)
├── DidNotEnable           an integration cannot work here; silent when automatic, loud when asked for
└── MissingExtra           a feature needs a library that is not installed

The docstring of a class is its default message. Every error carries a ``hint`` that says what the reader can do. If
that is to ask another question, the hint quotes its verb (``'runs' lists them``), which is the same in Python, over
HTTP and on the command line.
"""

from __future__ import annotations

from collections.abc import Iterable


class HeadwaterError(Exception):
    """Headwater could not do what was asked."""

    hint: str = ""

    def __init__(self, message: str | None = None, *, hint: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())
        if hint is not None:
            self.hint = hint

    @property
    def message(self) -> str:
        """The message without the hint."""
        return str(self.args[0])

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class ConfigError(HeadwaterError):
    """A setting is missing, unknown or has the wrong shape."""


class InvalidInput(HeadwaterError):
    """The input is invalid.

    ``field`` is a dotted path into the input, ``value`` a short form of the value found there, ``rule`` the rule that
    it violates.
    """

    def __init__(
        self, message: str | None = None, *, field: str = "", value: str = "", rule: str = "", hint: str | None = None
    ) -> None:
        super().__init__(message or f"{field or 'input'}: {rule}" + (f", got {value}" if value else ""), hint=hint)
        self.field = field
        self.value = value
        self.rule = rule


class InvalidEvent(InvalidInput):
    """The OpenLineage event breaks a rule of the specification."""


class InvalidRecord(InvalidInput):
    """The flat record breaks a rule of its schema."""


class InvalidName(InvalidInput):
    """The name is not valid on its platform."""


class InvalidSelector(InvalidInput):
    """The selector expression cannot be read."""


class NotFound(HeadwaterError):
    """No object has that name.

    ``near`` holds similar names. ``message`` replaces the usual one if the name is known but lacks what was asked for.
    """

    def __init__(self, what: str, *, near: Iterable[str] = (), message: str = "", hint: str | None = None) -> None:
        self.what = what
        self.near = tuple(near)
        if hint is None and self.near:
            hint = "did you mean " + ", ".join(self.near) + "?"
        super().__init__(message or f"nothing named {what!r} is known", hint=hint)


class StoreError(HeadwaterError):
    """The store cannot do what was asked."""


class StoreUnavailable(StoreError):
    """The server of the store cannot be reached, or cannot serve now."""

    hint = "nothing that was acknowledged is lost; try again, or check that the server is up and has free connections"


class StoreLocked(StoreError):
    """Another process holds the writer lock of this store."""

    hint = "wait for it to end, or stop it; events are spooled meanwhile"


class StoreReadOnly(StoreError):
    """The store may not be written."""

    hint = "make the folder writable, or point HEADWATER_STORE elsewhere"


class StoreFull(StoreError):
    """The disk that holds the store is full."""

    hint = "free some space; spooled events are stored on the next run"


class StoreCorrupt(StoreError):
    """The store failed its integrity check."""

    hint = "run 'headwater store repair' to keep what can be read and rebuild the rest"


class StoreOutdated(StoreError):
    """The store was written by an earlier version of Headwater, and its views have not been rebuilt yet."""

    hint = "run 'headwater migrate', which shows how far it is; nothing that was stored is lost"


class StoreTooNew(StoreError):
    """The store was written by a later version of Headwater."""

    hint = "upgrade headwater, or point HEADWATER_STORE at another folder"


class NoLineage(StoreError):
    """There is no lineage yet: no store, or nothing in it. What is wrong is told behind ``no lineage yet``."""

    hint = "try: headwater run train.py"

    def __init__(self, why: str, *, hint: str | None = None) -> None:
        super().__init__(f"no lineage yet: {why}", hint=hint)


class ServiceError(HeadwaterError):
    """A service did not answer."""


class TransportError(HeadwaterError):
    """An event could not be delivered."""


class DidNotEnable(HeadwaterError):
    """An integration cannot work here.

    Raised by ``install`` of an integration and never passed on to the program: the integration is disabled and the
    reason logged, as a warning if the integration was requested by name.
    """


class MissingExtra(HeadwaterError):
    """A feature needs a library that is not installed."""
