"""Queries the health of a service in another process."""

from __future__ import annotations

import urllib.error
import urllib.request
from urllib.parse import urlsplit

import msgspec

from headwater.errors import ConfigError, ServiceError
from headwater.model.uris import without_password
from headwater.server.health_document import Readiness

_MOST_BYTES = 1 << 20


def ask_health(url: str, *, timeout_s: float) -> Readiness:
    """Whether the service at an address can do its work.

    Raises:
        ConfigError: the URL is neither http nor https.
        ServiceError: nothing answers there, or it is not this service.
    """
    shown = without_password(url)
    if urlsplit(url).scheme not in ("http", "https"):
        raise ConfigError(f"{shown!r} is not the address of a service", hint="for example http://127.0.0.1:5000")
    target = url.rstrip("/") + "/health/ready"
    try:
        with urllib.request.urlopen(target, timeout=timeout_s) as answer:  # noqa: S310 - the scheme is checked above
            body = answer.read(_MOST_BYTES)
    except urllib.error.HTTPError as error:
        with error:
            body = error.read(_MOST_BYTES)
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise ServiceError(
            f"{shown} cannot be reached: {reason}", hint="is the service running? 'headwater health URL' checks another"
        ) from None
    try:
        return msgspec.json.decode(body, type=Readiness)
    except msgspec.MsgspecError:
        raise ServiceError(f"{shown} did not answer as Headwater does", hint="is it a Headwater service?") from None
