"""Feast's own facets, as far as they identify data."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from headwater.errors import InvalidName
from headwater.formats.dataset_facets import Facet, standard_facet, try_facet
from headwater.model.names import DatasetName
from headwater.model.platforms import PLATFORMS, Shape, canonical_scheme
from headwater.model.uris import from_uri


@standard_facet("feast_dataSource", schema="FeastDataSourceFacet")
class FeastSource(Facet, frozen=True, kw_only=True):
    """A data source as Feast 0.67 describes it; its members are not in camel case."""

    source_type: str | None = msgspec.field(default=None, name="source_type")
    path: str | None = None


def file_of_source(facets: Mapping[str, msgspec.Raw]) -> DatasetName | None:
    """The file or object that a source of Feast is.

    Feast names its sources in the namespace of its project, so the file that another program wrote would be another
    dataset. A relative path says nothing outside the folder of the repository, and gives None.
    """
    if FeastSource.KEY not in facets:
        return None
    source = try_facet(facets, FeastSource)
    if source is None or source.source_type != "FileSource" or not source.path or not _is_whole(source.path):
        return None
    try:
        return from_uri(source.path, cwd="/")
    except InvalidName:
        return None


def _is_whole(path: str) -> bool:
    scheme, separator, _ = path.partition("://")
    if not separator:
        return path.startswith("/")
    platform = PLATFORMS.get(canonical_scheme(scheme))
    return platform is not None and platform.shape is Shape.PATH
