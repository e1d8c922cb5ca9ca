"""The outputs of a run in groups: which of its sources a group takes from another, and in what order."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.storage.projection.output_groups import groups_of

NODES = st.integers(1, 8)
FLOWS = st.dictionaries(NODES, st.frozensets(NODES, max_size=4), max_size=8)


@settings(max_examples=300)
@given(FLOWS)
def test_a_source_is_the_runs_own_if_its_maker_does_not_come_from_it(flows):
    """What another group makes is taken from it, unless that one comes from this one too, through whatever lies between
    (a cycle): compared with a search from each group by itself. Groups stand behind those that they take from."""
    found = groups_of({target: tuple((s, 1) for s in sorted(some)) for target, some in flows.items()}, (), ())
    ahead = {node: {target for target, some in flows.items() if node in some} for node in range(1, 9)}

    def reached(start):
        seen, waiting = set(), [start]
        while waiting:
            node = waiting.pop()
            if node not in seen:
                seen.add(node)
                waiting += ahead[node]
        return seen

    made = set()
    for group, own in found:
        (target,) = group.targets if flows[group.targets[0]] else (group.targets[0],)
        expected = {source for source in flows[target] if source in flows and source not in reached(target)}
        assert own == expected
        assert own <= made
        made.update(group.targets)


def test_a_long_chain_within_one_run_is_no_burden():
    """Thousands of files made from one another, in one run."""
    count = 20_000
    found = groups_of({node: ((node - 1, 0),) for node in range(2, count)}, (), ())
    assert [group.targets[0] for group, _ in found] == list(range(2, count))
    assert all(own for _, own in found[1:])
