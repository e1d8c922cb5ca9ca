"""Transports: where events go.

A transport is one class in one file of this package, with a ``kind`` and a ``Config`` (a msgspec struct whose fields
are its settings). It implements ``emit(batch)``, which delivers a list of events (JSON documents as bytes), and raises
``TransportError`` or ``StoreError`` if the destination is unavailable: the worker then keeps the events in the spool.
Events that the destination refuses for good are returned in the ``Delivery``. A transport is used by one thread at a
time, and is created when the first event is sent, so an unused one costs nothing.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Final, NamedTuple

import msgspec

from headwater.errors import ConfigError


class Refused(NamedTuple):
    """An event that the destination will never accept, with its reason."""

    event: bytes
    reason: str


class Delivery(NamedTuple):
    """The result of a batch: how many events were accepted, and those that were refused for good."""

    taken: int
    refused: Sequence[Refused] = ()


class Transport(ABC):
    """Delivers events to one destination."""

    kind: ClassVar[str]

    class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """The settings of the transport; none here."""

    def __init__(self, config: Any, folder: Path) -> None:
        """``config`` is an instance of ``Config``; ``folder`` is where the embedded store and the spool are."""
        self.config = config
        self.folder = folder
        self.hurry = threading.Event()
        """Set when the process ends: from then on a transport waits only briefly before trying again."""

    @abstractmethod
    def emit(self, batch: Sequence[bytes]) -> Delivery:
        """Deliver a batch, completely or not at all.

        Raises:
            TransportError, StoreError: the destination is unavailable.
        """

    def close(self) -> None:  # noqa: B027 - a transport without a connection has nothing to close
        """Close connections and files. The transport may be used again afterwards."""


_CLASSES: Final = {
    "embedded": "headwater.embedded:EmbeddedTransport",
    "http": "headwater.capture.transports.http:HttpTransport",
    "file": "headwater.capture.transports.file:FileTransport",
    "console": "headwater.capture.transports.console:ConsoleTransport",
    "memory": "headwater.capture.transports.memory:MemoryTransport",
    "composite": "headwater.capture.transports.composite:CompositeTransport",
    "discard": "headwater.capture.transports.discard:DiscardTransport",
}


def make_transport(settings: Mapping[str, Any], folder: Path) -> Transport:
    """The transport that ``settings`` describe (``kind`` and its own keys); by default, the embedded store.

    Raises:
        ConfigError: a setting is missing or invalid.
    """
    own = dict(settings)
    kind = own.pop("kind", "embedded")
    if kind not in _CLASSES:
        raise ConfigError(f"there is no transport {kind!r}", hint="there are " + ", ".join(sorted(_CLASSES)))
    module, _, name = _CLASSES[kind].partition(":")
    transport_class: type[Transport] = getattr(import_module(module), name)
    try:
        config = msgspec.convert(own, transport_class.Config, strict=False)
    except msgspec.ValidationError as error:
        from headwater.formats.decode_errors import rule_of  # needed for bad input only

        name, rule = rule_of(str(error))
        raise ConfigError(f"transport.{name}: {rule}", hint=f"the transport is {kind!r}") from None
    return transport_class(config, folder)
