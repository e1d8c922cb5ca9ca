"""joblib: ``dump`` and ``load`` of models and arrays, compressed or not."""

from __future__ import annotations

from types import ModuleType
from typing import Any, ClassVar

from headwater.capture.hooks import Hooks, Integration
from headwater.capture.locations import located
from headwater.capture.recorder import Recorder
from headwater.capture.stand_in import observe_io


class JoblibIntegration(Integration):
    """Sees objects go into joblib's files and come back."""

    identifier: ClassVar[str] = "joblib"
    min_version: ClassVar[tuple[int, ...]] = (1, 0)

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook both functions."""
        hooks.replace(module, "dump", lambda original: observe_io(original, _dumped, "joblib.dump"))
        hooks.replace(module, "load", lambda original: observe_io(original, _loaded, "joblib.load"))


def _dumped(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """``result`` is the list of files written: with early versions more than one, the first being the one to load."""
    obj = args[0] if args else kwargs["value"]
    target = args[1] if len(args) > 1 else kwargs["filename"]
    names = result if isinstance(result, list) and result else [target]
    for name in names:
        ref = located(name)
        if ref is not None:
            recorder.wrote(obj, ref._replace(type="MODEL") if _is_estimator(obj) else ref)


def _loaded(recorder: Recorder, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    ref = located(args[0] if args else kwargs["filename"])
    if ref is None:
        return
    columns, shape = getattr(result, "columns", None), getattr(result, "shape", None)
    names = tuple(map(str, columns)) if columns is not None and isinstance(shape, tuple) else None
    rows = shape[0] if isinstance(shape, tuple) and shape else None
    ref = ref._replace(type="MODEL") if _is_estimator(result) else ref
    recorder.read(result, ref, "joblib.load", columns=names, rows=rows)


def _is_estimator(obj: Any) -> bool:
    return hasattr(type(obj), "get_params") and (hasattr(obj, "predict") or hasattr(obj, "transform"))
