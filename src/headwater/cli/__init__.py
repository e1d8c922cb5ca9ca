"""The command ``headwater``: ``main`` is its entry, ``commands`` lists the commands and where each of them is."""
