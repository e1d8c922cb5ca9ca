"""pandas: readers, writers and operations, followed by column.

Written for pandas 3. Hooks for what an older version (1.5, 2) lacks are skipped; in the copy-on-write mode of pandas 2
(off by default), chained-assignment warnings may be missed for in-place methods.
"""

from __future__ import annotations

from types import ModuleType
from typing import ClassVar

from headwater.capture.hooks import Hooks, Integration


class PandasIntegration(Integration):
    """Follows frames and series by identity; a rule for each call says which column comes from which."""

    identifier: ClassVar[str] = "pandas"

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook the classes and functions of pandas."""
        from headwater.capture.integrations.pandas import (
            assignment,
            construction,
            finalize,
            functions,
            groupby,
            hdf_stores,
            index_conversion,
            iteration,
            merge,
            methods,
            operators,
            plotting,
            query,
            readers,
            reshape,
            selection,
            set_index,
            styles,
            warning_locations,
            writers,
        )

        for part in (
            warning_locations,
            selection,
            assignment,
            operators,
            methods,
            set_index,
            functions,
            merge,
            groupby,
            reshape,
            construction,
            index_conversion,
            query,
            readers,
            writers,
            hdf_stores,
            styles,
            plotting,
            iteration,
            finalize,
        ):
            part.install(hooks)
