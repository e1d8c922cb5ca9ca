"""Small pictures: where their parts stand, what they say in words, and when there is none."""

from __future__ import annotations

from itertools import pairwise

import pytest

from headwater.query.history import RunSummary
from headwater.query.instants import LAST, iso_utc
from headwater.server.rendering.charts import BOTTOM, HEIGHT, LEFT, RIGHT, WIDTH, box, dates, lines, run_bars
from headwater.server.rendering.template_filters import when
from headwater.server.rendering.timeline import timeline

US = 1_000_000


def run(at: int, state: str, took: int | None) -> RunSummary:
    """A run that started at a second and took some."""
    end = None if took is None else (at + took) * US
    return RunSummary(
        run_id=f"r{at}", job="job:j:j", job_name="j", operation="", state=state, started_at=at * US, ended_at=end
    )


def test_a_line_runs_from_edge_to_edge_and_breaks_where_nothing_was_measured():
    """The first and last values stand at the edges; a gap is a gap; words say the numbers."""
    chart = lines("Rows", [100, None, 200, 300], ["v1", "v2", "v3", "v4"])
    assert [dot.x for dot in chart.dots] == [LEFT, round(LEFT + (WIDTH - LEFT - RIGHT) * 2 / 3, 1), WIDTH - RIGHT]
    assert chart.path.count("M") == 2
    assert chart.path.count("L") == 1
    assert chart.dots[0].words == "v1: 100"
    assert chart.description == "3 values from 100 to 300; first 100, last 300."
    assert [tick.text for tick in chart.ticks] == ["100", "200", "300"]
    ys = [dot.y for dot in chart.dots]
    assert ys == sorted(ys, reverse=True)


@pytest.mark.parametrize("values", [[], [1], [None, 5, None], [float("nan"), float("inf"), 3]])
def test_less_than_two_values_are_no_line(values):
    """One point tells no course; what is no number is not drawn."""
    assert lines("x", values, [str(value) for value in values]) is None


@pytest.mark.parametrize("values", [[5, 5, 5], [0, 0], [-3, -3], [1e12, 1e12 + 1], [1e-9, 3e-9], [-1e300, 1e300]])
def test_every_value_stands_inside(values):
    """Equal, tiny, huge and negative values all stay within the picture."""
    chart = lines("x", values, [str(value) for value in values])
    assert all(0 <= dot.y <= HEIGHT for dot in chart.dots)
    assert all(0 <= tick.y <= HEIGHT for tick in chart.ticks)


def test_runs_stand_oldest_first_and_say_how_they_ended():
    """Height goes by time taken, a run that goes on reaches to now, none vanishes."""
    chart = run_bars("Runs", [run(30, "RUNNING", None), run(20, "FAILED", 0), run(10, "COMPLETED", 5)], 40 * US)
    assert [bar.run for bar in chart.bars] == ["r10", "r20", "r30"]
    assert [bar.state for bar in chart.bars] == ["completed", "failed", "running"]
    heights = [bar.height for bar in chart.bars]
    assert heights[1] == 3.0
    assert heights[2] == pytest.approx(2 * heights[0], abs=0.2)
    assert all(bar.y + bar.height == pytest.approx(HEIGHT - BOTTOM) for bar in chart.bars)
    assert chart.description == "3 runs, oldest first: 1 completed, 1 failed, 1 running."
    assert chart.labels[0].text == "1970-01-01 00:00:10"
    assert chart.bars[2].words.endswith("running, not ended")
    assert run_bars("Runs", [], 0) is None


@pytest.mark.parametrize("step", [86_400, 3600, 60, 7, 0])
@pytest.mark.parametrize("count", [2, 3, 5, 20, 50])
def test_labels_of_time_stand_apart_and_inside(count, step):
    """Under the first and the last value stands when they were, and under some between; none touches another or the
    edge, and each is as exact as it takes to tell them apart."""
    instants = [1_700_000_000 * US + at * step * US for at in range(count)]
    chart = lines("Rows", [*range(count)], ["v"] * count, dates(instants))
    assert 1 < len(chart.labels) <= 5
    ends = []
    for label in chart.labels:
        wide = len(label.text) * 5.5
        left = label.x - {"start": 0, "middle": wide / 2, "end": wide}[label.anchor]
        ends.append((left, left + wide))
    assert all(right <= left for (_, right), (left, _) in pairwise(ends))
    assert ends[0][0] >= 0
    assert ends[-1][1] <= WIDTH + 1
    assert chart.labels[0].text == when(instants[0])[: len(chart.labels[0].text)]
    assert chart.labels[-1].text == when(instants[-1])[: len(chart.labels[-1].text)]
    assert not step or len({label.text for label in chart.labels}) == len(chart.labels)


def test_long_words_leave_room_for_one():
    """Where two labels do not fit, the last value has one."""
    chart = lines("Loss", [3, 2, 1], ["step of a kind that has a very long name"] * 3)
    assert [label.anchor for label in chart.labels] == ["end"]


def test_a_distribution_needs_quartiles_and_a_range():
    """The box stands between the quartiles on the whole range; without them there is none."""
    found = box({"min": 0, "max": 200, "quantiles": {"0.25": 50, "0.5": 100, "0.75": 150}})
    assert (found.left, found.middle, found.right) == (25.0, 50.0, 75.0)
    assert box({"quantiles": {"0.05": 0, "0.25": 1, "0.5": 2, "0.75": 3, "0.95": 4}}).left == 25.0
    for none in ({}, {"min": 0, "max": 1}, {"min": 1, "max": 1, "quantiles": {"0.25": 1, "0.5": 1, "0.75": 1}}):
        assert box(none) is None
    assert box({"min": "a", "max": True, "quantiles": {"x": "y", "0.5": None}}) is None
    assert box({"quantiles": ["0.25"], "min": 0, "max": 1}) is None


def test_runs_stand_on_one_line_of_time():
    """From the first start to the last end; a run that goes on reaches to now; the shortest can be seen, within the
    line."""
    line = timeline([run(90, "RUNNING", None), run(50, "FAILED", 0), run(10, "COMPLETED", 45)], 110 * US)
    assert (line.start, line.end) == (10 * US, 110 * US)
    spans = {key: (span.x, span.width, span.state) for key, span in line.spans.items()}
    assert spans == {"r10": (0, 45, "completed"), "r50": (40, 1.2, "failed"), "r90": (80, 20, "running")}
    ended = timeline([run(10, "COMPLETED", 10), run(20, "COMPLETED", None)], 99 * US)
    assert (ended.end, ended.spans["r20"].x) == (20 * US, 98.8)


def test_a_run_that_never_ended_leaves_the_others_room():
    """Its bar reaches to the end of the line, and the line ends soon after what was told."""
    line = timeline([run(50, "RUNNING", None), run(50, "COMPLETED", 50), run(10, "COMPLETED", 40)], 99_999_999 * US)
    assert (line.start, line.end) == (10 * US, 122_500_000)
    assert line.spans["r10"].width > 30
    only = timeline([run(7, "RUNNING", None), run(7, "RUNNING", None)], 9 * US)
    assert only.spans["r7"].width > 0


def test_a_line_of_time_ends_with_the_calendar():
    """An emitter whose clock says year 9999 does not take the line beyond the last instant that can be written."""
    late = LAST // US
    line = timeline([run(late, "RUNNING", None), run(-late // 40, "COMPLETED", 5)], 9 * US)
    assert line.end == LAST
    assert iso_utc(line.end) == "9999-12-31T23:59:59.999999Z"


@pytest.mark.parametrize("runs", [[], [run(1, "COMPLETED", 1)]])
def test_less_than_two_runs_need_no_line_of_time(runs):
    """One run is as long as its line: that tells nothing."""
    assert timeline(runs, 5 * US) is None
