"""Drawings of lineage graphs: grouping, layout, pictures as data, SVG. Pure functions of the graph and the options."""

from headwater.query.drawing.compose import picture_of
from headwater.query.drawing.picture import Card, Group, LeftOut, Link, Picture, Port

__all__ = ["Card", "Group", "LeftOut", "Link", "Picture", "Port", "picture_of"]
