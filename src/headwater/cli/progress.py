"""A progress bar over a file that is read line by line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO


@contextmanager
def bar(stream: IO[bytes], size_bytes: int, name: str) -> Iterator[Iterator[bytes]]:
    """Give the lines of a file while a bar on standard error shows how far they go."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as progress:
        task = progress.add_task(name[-40:], total=size_bytes)

        def lines() -> Iterator[bytes]:
            for line in stream:
                yield line
                progress.advance(task, len(line))

        yield lines()
