"""Reads the documents in a file: one per line, an array, or a single one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec


class Document(NamedTuple):
    """One document: its position (``file:line``, ``file[index]``) and its bytes, not yet validated."""

    where: str
    raw: bytes


def documents(name: str, lines: Iterable[bytes]) -> Iterator[Document]:
    """Yield the documents of a file: line by line if its first line is a document, otherwise from the whole file."""
    stream = enumerate(lines, start=1)
    for number, line in stream:
        if not line.strip():
            continue
        if not _is_object(line):
            yield from _whole(name, number, line + b"".join(rest for _, rest in stream))
            return
        yield Document(f"{name}:{number}", line.strip())
        break
    for number, line in stream:
        if line.strip():
            yield Document(f"{name}:{number}", line.strip())


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(line), dict)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def _whole(name: str, first: int, text: bytes) -> Iterator[Document]:
    try:
        items = msgspec.json.decode(text, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError):
        items = None
    if items is not None:
        yield from (Document(f"{name}[{number}]", bytes(raw)) for number, raw in enumerate(items))
    elif _is_object(text):
        yield Document(name, text.strip())
    else:
        for number, line in enumerate(text.split(b"\n"), start=first):
            if line.strip():
                yield Document(f"{name}:{number}", line.strip())
