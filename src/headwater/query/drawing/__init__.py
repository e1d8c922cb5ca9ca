"""Drawings of lineage graphs: grouping, layout, pictures as data, SVG. Pure functions of the graph and the options.

What is named here is imported when it is asked for: the layout needs numpy, the palette nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headwater.query.drawing.composition import picture_of
    from headwater.query.drawing.picture import Card, Group, LeftOut, Link, Picture, Port

__all__ = ["Card", "Group", "LeftOut", "Link", "Picture", "Port", "picture_of"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from headwater.query.drawing import composition, picture

    return composition.picture_of if name == "picture_of" else getattr(picture, name)
