"""Runs a script, module, notebook or piece of code as ``__main__``, under capture, exactly as the interpreter would.

What the program sees (``sys.argv``, ``sys.path[0]``, ``__main__``), what it prints, its warnings and its exit code are
those of a plain ``python``. It runs in this process, and the process ends with it: the last ``atexit`` function closes
the run, after the program's own functions and threads.
"""

from __future__ import annotations

import builtins
import marshal
import os
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import BuiltinImporter, ModuleSpec, SourceFileLoader, SourcelessFileLoader
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, NamedTuple, NoReturn

from headwater.capture import api
from headwater.capture.config import Config
from headwater.capture.garbage_collection import CollectorPause, freeze
from headwater.capture.guard import GUARD
from headwater.capture.job_facts import argument_parameters, facts_of_process
from headwater.capture.module_shadowing import make_room
from headwater.capture.script_end import end_program


class Program(NamedTuple):
    """A program that is ready to run. ``load`` returns its code, and may fail as plain Python would at its start."""

    name: str
    """The name of the job."""
    argv: list[str]
    path0: str
    file: str | None
    """The value of ``__file__``."""
    script: Path | None
    """The file whose digest identifies the code."""
    load: Callable[[], CodeType]
    spec: ModuleSpec | None = None
    body: Callable[[CodeType, dict[str, Any]], None] | None = None
    """How to run the code; by default, with ``exec``."""
    command: list[str] | None = None
    """What the user typed, if that is not ``argv``."""
    loader: type[SourceFileLoader | SourcelessFileLoader] = SourceFileLoader
    """The class of ``__loader__``, for a program that is a file without a spec."""


def script_program(path: str, arguments: Sequence[str], project: Path) -> Program:
    """``headwater run train.py``; a folder or zip file with a ``__main__`` works too, a notebook (``.ipynb``), and
    ``-`` for standard input."""
    if path == "-":
        program = _text_program("-", "<stdin>", arguments, sys.stdin.buffer.read)
        return program._replace(file="<stdin>")  # as the interpreter names it
    place = Path(path)
    if place.suffix == ".ipynb":
        from headwater.capture.notebook import notebook_program

        return notebook_program(place, arguments, project)
    if place.is_dir() or (place.is_file() and _is_zip(place)):
        return _folder_program(place, arguments, project)
    absolute = os.path.abspath(path)  # noqa: PTH100 - as the interpreter does: symbolic links stay
    return Program(
        name=api.script_name(place, project),
        argv=[path, *arguments],
        path0=os.path.dirname(os.path.realpath(absolute)),  # noqa: PTH120 - links are resolved here, as the interpreter does
        file=absolute,
        script=Path(absolute),
        load=lambda: _compiled(absolute),
        loader=SourcelessFileLoader if _is_bytecode(absolute) else SourceFileLoader,
    )


def _is_bytecode(file: str) -> bool:
    """Whether the interpreter takes a file for compiled code: by its name, or by the first two bytes."""
    try:
        return file.endswith(".pyc") or (Path(file).is_file() and _begins(Path(file), MAGIC_NUMBER[:2]))
    except OSError:
        return False


def _begins(place: Path, start: bytes) -> bool:
    with place.open("rb") as file:
        return file.read(len(start)) == start


def _compiled(absolute: str) -> CodeType:
    try:
        source = Path(absolute).read_bytes()
    except OSError as error:
        number = error.errno or 2
        sys.stderr.write(f"{sys.executable}: can't open file {absolute!r}: [Errno {number}] {os.strerror(number)}\n")
        raise SystemExit(2) from None
    return _bytecode(source) if _is_bytecode(absolute) else compile(source, absolute, "exec", dont_inherit=True)


def _bytecode(content: bytes) -> CodeType:
    """The code in a compiled file, refused as the interpreter refuses it."""
    if content[:4] != MAGIC_NUMBER:
        raise RuntimeError("Bad magic number in .pyc file")
    code = marshal.loads(content[16:])  # noqa: S302 - a program that the user runs
    if not isinstance(code, CodeType):
        raise RuntimeError("Bad code object in .pyc file")
    return code


def _is_zip(place: Path) -> bool:
    if place.suffix == ".py" and not _begins(place, b"PK"):
        return False
    from zipfile import is_zipfile

    return is_zipfile(place)


def _folder_program(place: Path, arguments: Sequence[str], project: Path) -> Program:
    main = _found_module("", str(place.absolute()))
    return Program(
        name=api.script_name(place, project),
        argv=[str(place), *arguments],
        path0=str(place.absolute()),
        file=main[1].origin,
        script=Path(main[1].origin) if main[1].origin and Path(main[1].origin).is_file() else None,
        load=lambda: main[0],
        spec=main[1],
        body=_as_runpy_does("__main__", main[1]),
    )


def module_program(module: str, arguments: Sequence[str]) -> Program:
    """``headwater run -m package.module``."""
    code, spec = _found_module(module, str(Path.cwd()))
    return Program(
        name=module,
        argv=[spec.origin or "-m", *arguments],
        path0=str(Path.cwd()),
        file=spec.origin,
        script=Path(spec.origin) if spec.origin and Path(spec.origin).is_file() else None,
        load=lambda: code,
        spec=spec,
        body=_as_runpy_does(module, spec),
        command=["-m", module, *arguments],
    )


def _as_runpy_does(module: str, spec: ModuleSpec) -> Callable[[CodeType, dict[str, Any]], None]:
    """A function that runs the code of an already located module through ``runpy``, because ``python -m`` shows the
    frames of ``runpy`` in tracebacks."""

    def body(code: CodeType, names: dict[str, Any]) -> None:
        import runpy

        del names
        private: Any = runpy
        find = "_get_main_module_details" if module == "__main__" else "_get_module_details"
        original = getattr(private, find)

        def found(*_: Any) -> tuple[str, ModuleSpec, CodeType]:
            setattr(private, find, original)
            return module, spec, code

        setattr(private, find, found)
        private._run_module_as_main(module, alter_argv=False)

    return body


def _found_module(module: str, folder: str) -> tuple[CodeType, ModuleSpec]:
    """Code and spec of a module, searched from ``folder``: for a package those of its ``__main__``, for an empty name
    those of the folder's."""
    import runpy

    private: Any = runpy  # ``python -m`` itself uses this; there is no public equivalent
    find = private._get_module_details if module else lambda _: private._get_main_module_details()
    previous = list(sys.path)
    _set_path0(folder)
    try:
        _, spec, code = find(module)
    except ImportError as error:  # runpy's own error is one
        sys.stderr.write(f"{sys.executable}: {error}\n")
        raise SystemExit(1) from None
    finally:
        sys.path[:] = previous
    return code, spec


def code_program(text: str, arguments: Sequence[str]) -> Program:
    """``headwater run -c CODE``."""
    return _text_program("-c", "<string>", arguments, lambda: text, _show_lines)


def _show_lines(code: CodeType, text: str) -> None:
    """Let tracebacks show the lines of ``-c``, as those of the interpreter do since Python 3.13."""
    import linecache

    private: Any = linecache
    register = getattr(private, "_register_code", None)
    if register is not None:  # by name in 3.13.0, by code object since
        register(code if hasattr(private, "_interactive_cache") else code.co_filename, text, code.co_filename)


def _text_program(
    name: str,
    origin: str,
    arguments: Sequence[str],
    read: Callable[[], Any],
    compiled: Callable[[CodeType, Any], None] = lambda code, text: None,
) -> Program:
    """A program without a file. ``origin`` stands for its file in tracebacks."""

    def load() -> CodeType:
        text = read()
        code = compile(text, origin, "exec", dont_inherit=True)
        compiled(code, text)
        return code

    return Program(
        name=name,
        argv=[name, *arguments],
        path0="",
        file=None,
        script=None,
        load=load,
    )


# -- running -----------------------------------------------------------------------------------------------------------


def run_program(
    program: Program,
    config: Config,
    pause: CollectorPause,
    *,
    name: str | None = None,
    operation: str | None = None,
    keywords: dict[str, Any] | None = None,
) -> NoReturn:
    """Run a program under capture, and end this process as the program ends. The program runs even if capture fails.
    The ``pause`` of the garbage collector ends when the program begins."""
    _enter_program(program, _main_module(program))
    with GUARD.at("run"):
        _begin(program, config, name, operation, keywords)
    freeze()
    pause.end()
    if program.script is None or program.script.suffix != ".ipynb":  # a kernel has as many modules loaded as we have
        with GUARD.at("run"):
            make_room(program.path0)
    main = sys.modules["__main__"] = _main_module(program)  # created again, so that the program's module is not frozen
    error: BaseException | None = None
    try:
        code = program.load()
        if program.body is not None:
            program.body(code, main.__dict__)
        else:
            exec(code, main.__dict__)  # noqa: S102 - running the user's program is the purpose
    except BaseException as raised:  # noqa: BLE001 - the interpreter's own top level catches as much
        error = raised
    end_program(error)


def _begin(
    program: Program, config: Config, name: str | None, operation: str | None, keywords: dict[str, Any] | None
) -> None:
    if program.script is not None and not program.script.exists():
        return  # nothing is going to run: no run, and no store for the folder that the user mistook for another
    client = api.ensure_client(keywords, config)
    if client is None:
        return
    facts = facts_of_process(client, program.script, program.command or program.argv)
    run = client.open_root(name or program.name, operation=operation, facts=facts)
    client.redactor.learn_arguments(program.argv[1:])
    run.parameters(argument_parameters(program.argv[1:]))


def _main_module(program: Program) -> ModuleType:
    """A new ``__main__`` with the names that the interpreter defines in it."""
    main = ModuleType("__main__")
    names = main.__dict__
    names["__builtins__"] = builtins
    names["__annotations__"] = {}
    names["__package__"] = None
    if program.file is not None:
        names["__file__"] = program.file
        names["__cached__"] = None
    if program.spec is not None:
        spec = program.spec
        names.update(__spec__=spec, __loader__=spec.loader, __package__=spec.parent, __cached__=spec.cached)
    elif program.file is not None:
        names["__loader__"] = program.loader("__main__", program.file)
    else:
        names["__loader__"] = BuiltinImporter
    return main


def _enter_program(program: Program, main: ModuleType) -> None:
    sys.modules["__main__"] = main
    sys.argv[:] = program.argv
    _set_path0(program.path0)


def _set_path0(folder: str) -> None:
    """Put ``folder`` where the interpreter puts the folder of a script; nowhere in safe-path mode."""
    if sys.flags.safe_path:
        return
    if sys.path:
        sys.path[0] = folder
    else:
        sys.path.insert(0, folder)
