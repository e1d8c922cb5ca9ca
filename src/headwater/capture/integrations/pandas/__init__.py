"""pandas: every way in, out and through, followed by column.

Built for pandas 3; on 1.5 and 2 what a version lacks is passed over, and chained-assignment warnings of 2's
copy-on-write mode (off by default there) may be missed for in-place methods.
"""

from __future__ import annotations

from types import ModuleType
from typing import ClassVar

from headwater.capture.hooks import Hooks, Integration


class PandasIntegration(Integration):
    """Follows frames and series by identity; a rule a call says which column came from which."""

    identifier: ClassVar[str] = "pandas"

    def install(self, hooks: Hooks, module: ModuleType) -> None:
        """Hook the classes and functions of pandas."""
        from headwater.capture.integrations.pandas import (
            assignment,
            construction,
            finalize,
            functions,
            groupby,
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
            plotting,
            iteration,
            finalize,
        ):
            part.install(hooks)
