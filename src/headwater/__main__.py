"""``python -m headwater`` is the command ``headwater``, with the interpreter that is named."""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    if not sys.flags.safe_path:
        # -m puts the working folder here, where a file of the user's may be called like a module that we need. The
        # command has the folder of its own script in this place.
        sys.path[0] = os.path.dirname(sys.executable)  # noqa: PTH120 - text for sys.path

    from headwater.cli.main import main

    main()
