"""The ``headwater`` command: ``main`` is the entry point, ``commands`` lists the commands and their modules."""
