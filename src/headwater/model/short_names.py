"""Shortens paths for people, to a suffix that is unique among those shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from headwater.model.patterns import lazy_pattern
from headwater.model.platforms import Shape, platform_of

_LEAST_PARTS = 2
_SCHEME = lazy_pattern(r"[A-Za-z][\w+.-]*(?=:|$)")


def is_path(namespace: str, name: str) -> bool:
    """Tell whether a name is a path of folders: a file, an object of a store, an address of a server."""
    scheme = _SCHEME.match(namespace)
    platform = platform_of(scheme[0]) if scheme and "/" in name else None
    return platform is not None and platform.shape is Shape.PATH


def database_file(namespace: str) -> str:
    """Return the path of the local database file that a namespace names (``sqlite:///data/a.db``), else nothing."""
    scheme, _, rest = namespace.partition("://")
    platform = platform_of(scheme) if rest[:1] == "/" else None
    return "/" + rest.lstrip("/") if platform is not None and platform.is_file else ""


class ShortNames:
    """Short forms of names that are shown together, each unique among them.

    A path is shown by its name and its folder, with as many folders more as tell it from the others; by its name alone
    where it lies in the folder that all of them lie in. What is no path stays as it is. A function of the set of names:
    whoever shows the same nodes shows the same words.

    >>> ShortNames([("file", "/p/raw/a.csv"), ("file", "/p/out/a.csv"), ("file", "/p/b.csv")]).of("file", "/p/b.csv")
    'b.csv'
    """

    def __init__(self, names: Iterable[tuple[str, str]] = ()) -> None:
        shown = {pair: _parts(pair[1]) for pair in names if is_path(*pair)}
        self._folders = _common_folders(shown)
        self._parts = {name: parts for (_, name), parts in shown.items()}
        self._tails: dict[int, Counter[tuple[str, ...]]] = {}

    def of(self, namespace: str, name: str) -> str:
        """Return the short form of a name; of one that is not among those shown together, its end."""
        if not is_path(namespace, name):
            return name
        parts = _parts(name)
        count = 1 if self._folders.get(namespace) == parts[:-1] else _LEAST_PARTS
        while count < len(parts) and self._others(name, parts[-count:]):
            count += 1
        if count >= len(parts):
            return name
        return "/".join(parts[-count:]) + ("/" if name.endswith("/") else "")

    def _others(self, name: str, tail: tuple[str, ...]) -> int:
        """How many other names end so."""
        count = len(tail)
        if count not in self._tails:
            self._tails[count] = Counter(parts[-count:] for parts in self._parts.values())
        return self._tails[count][tail] - (name in self._parts)


def _parts(name: str) -> tuple[str, ...]:
    return tuple(name.strip("/").split("/"))


def _common_folders(shown: dict[tuple[str, str], tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The folder that all paths of a namespace lie in, where there are several."""
    folders: dict[str, list[tuple[str, ...]]] = {}
    for (namespace, _), parts in shown.items():
        folders.setdefault(namespace, []).append(parts[:-1])
    found: dict[str, tuple[str, ...]] = {}
    for namespace, lists in folders.items():
        if len(lists) > 1:
            low, high = min(lists), max(lists)
            same = next((at for at, part in enumerate(low) if high[at : at + 1] != (part,)), len(low))
            found[namespace] = low[:same]
    return found
