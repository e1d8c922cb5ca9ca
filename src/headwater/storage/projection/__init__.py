"""From events to the lineage graph, for every backend alike.

A backend is a set of ``tables``; everything that decides lives here and is shared, so two backends cannot drift. What
is stored is a function of the *set* of events:

- ``facts`` and ``rundoc`` merge what events say (joins of sets, maxima, last writers), keyed by name;
- ``names`` joins names into nodes (union-find), and ``history`` keeps the changes of facets;
- ``lineage`` reads a run's merged claims, ``flows`` turns the runs of a job into edges with validity, ``bindings``
  turns one run into versions and derivations;
- ``projector`` drives them for a batch of events. The newest run of a job costs a handful of look-ups; what arrives
  late recomputes only the (job, target) pairs, readers and facets that it touches.
"""
