"""Progress of long operations on standard error, as a bar if it is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

import click

from headwater.storage.view_rebuild import Progress, in_silence


@contextmanager
def bar(lines: Iterable[bytes], size_bytes: int, name: str) -> Iterator[Iterator[bytes]]:
    """Yield the lines of a file while a bar on standard error shows the progress."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as progress:
        task = progress.add_task(name[-40:], total=size_bytes)

        def counted() -> Iterator[bytes]:
            for line in lines:
                yield line
                progress.advance(task, len(line))

        yield counted()


@contextmanager
def renewing(what: str) -> Iterator[Progress]:
    """Report progress while the views of a store, ``what``, are rebuilt; nothing if there is nothing to do.

    Where standard error is no terminal it is one line when it begins and one when it ends.
    """
    with ExitStack() as stack:
        advance: Progress | None = None

        def told(done: int, last: int) -> None:
            nonlocal advance
            if advance is None:
                left = f"{last - done:,} of {last:,} events" if done else f"{last:,} events"
                click.echo(f"{what}: written by an earlier version; rebuilding its views from {left}", err=True)
                advance = stack.enter_context(_counted(what, last)) if sys.stderr.isatty() else in_silence
            advance(done, last)

        try:
            yield told
        except KeyboardInterrupt:
            if advance is not None:
                stack.close()
                click.echo(
                    f"{what}: stopped; what was done is kept, and the next command continues from there", err=True
                )
            raise
        if advance is not None:
            stack.close()
            click.echo(f"{what}: its views are up to date", err=True)


@contextmanager
def _counted(what: str, last: int) -> Iterator[Progress]:
    """A bar over numbered events."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(file=sys.stderr), transient=True) as progress:
        task = progress.add_task(what[-40:], total=last)
        yield lambda done, last: progress.update(task, completed=done, total=last)
