"""``python -m headwater`` is the command ``headwater``, with the interpreter that is named."""

from __future__ import annotations

from headwater.cli.main import main

if __name__ == "__main__":
    main()
