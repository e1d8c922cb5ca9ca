"""From events to the lineage graph, shared by all backends.

A backend provides ``tables``; all logic is here, so that backends cannot diverge. The stored graph is a function of the
*set* of events, whatever their order:
- ``event_effects`` and ``run_documents`` merge what events state (unions, maxima, last writers), keyed by name;
- ``names`` and ``node_merge`` join names into nodes, and ``history`` keeps the changes of facets;
- ``target_inputs`` reads the merged claims of a run, ``flows`` turns the runs of a job into edges with validity, and
  ``bindings`` turns a run into versions and derivations;
- ``projector`` drives them for a batch of events. The newest run of a job costs a handful of look-ups; a late event
  recomputes only the (job, target) pairs, readers and facets that it touches.
"""
