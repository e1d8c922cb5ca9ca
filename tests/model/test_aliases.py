"""Aliases: joins in any order give the same groups."""

from hypothesis import given
from hypothesis import strategies as st

from headwater.model.aliases import Aliases
from headwater.model.names import DatasetName

NAMES = st.builds(DatasetName, st.sampled_from("ab"), st.sampled_from("tuvwxyz"))
PAIRS = st.lists(st.tuples(NAMES, NAMES), max_size=12)


@given(PAIRS.flatmap(lambda pairs: st.tuples(st.just(pairs), st.permutations(pairs + pairs[:3]))))
def test_the_order_of_joins_does_not_matter(case):
    """Any permutation, duplicates included, gives the same groups and the same representatives."""
    pairs, shuffled = case
    one, other = Aliases(pairs), Aliases((second, first) for first, second in shuffled)
    assert one == other
    for name in {name for pair in pairs for name in pair}:
        assert one.find(name) == other.find(name) == min(one.members(name))


@given(PAIRS)
def test_groups_are_the_connected_components(pairs):
    """Two names are one dataset exactly when a chain of joins leads from one to the other."""
    aliases = Aliases(pairs)
    names = {name for pair in pairs for name in pair}
    reached = {name: {name} for name in names}
    for _ in names:
        for first, second in pairs:
            both = reached[first] | reached[second]
            for name in both:
                reached[name] |= both
    for first in names:
        assert set(aliases.members(first)) == reached[first]
        assert all(aliases.are_joined(first, second) == (second in reached[first]) for second in names)


@given(PAIRS)
def test_aliases_survive_being_written(pairs):
    """Lists and back: the same groups."""
    aliases = Aliases(pairs)
    assert Aliases.from_lists(aliases.to_lists()) == aliases


@given(PAIRS)
def test_a_join_names_the_representative_that_lost_its_place(pairs):
    """Following what ``join`` returns keeps a table keyed by representative right at every step."""
    aliases = Aliases()
    keyed = {name: {name} for pair in pairs for name in pair}
    for first, second in pairs:
        gone = aliases.join(first, second)
        if gone is not None:
            keyed[aliases.find(gone)] |= keyed.pop(gone)
    assert all(aliases.find(root) == root and set(aliases.members(root)) == names for root, names in keyed.items())
