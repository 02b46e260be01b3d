"""However many rows are merged, the bars tell the same story."""

from dataclasses import replace

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from codesign.pages.critical_path import MOST_MARKS
from codesign.pages.document import page_html
from codesign.pages.run_report import run_page
from codesign.pages.timeline import LARGEST_BARS, busiest, timeline_data, timeline_figure
from tests.pages.drawn import drawn
from tests.pages.example_results import example_result
from tests.pages.timelines import in_pieces


@st.composite
def timelines(draw: st.DrawFn) -> pd.DataFrame:
    """Rows of up to three resources that do not overlap on one resource."""
    rows = []
    for resource in draw(st.sets(st.sampled_from(["spike[0]", "spike[1]", "dram[0]"]), min_size=1)):
        now = 0
        steps = st.tuples(
            st.integers(0, 5), st.integers(1, 9), st.integers(0, 2), st.integers(0, 1)
        )
        for gap, cycles, layer, timestep in draw(st.lists(steps, min_size=1, max_size=30)):
            start, now = now + gap, now + gap + cycles
            rows.append((resource, f"layer{layer}", "spike", timestep, 0, "scan", start, now))
    columns = ["resource", "layer", "stream", "timestep", "tile", "state"]
    table = pd.DataFrame(rows, columns=[*columns, "start_cycle", "end_cycle"])
    return table.sample(frac=1, random_state=draw(st.integers(0, 9)))


@given(timelines(), st.integers(1, 40))
def test_merging_keeps_rows_cycles_and_ends(timeline: pd.DataFrame, limit: int) -> None:
    bars = timeline_data(timeline, limit=limit)
    assert len(bars) <= max(limit, timeline["resource"].nunique())
    assert bars["rows"].sum() == len(timeline)
    cycles = timeline["end_cycle"] - timeline["start_cycle"]
    for resource, part in bars.groupby("resource"):
        rows = timeline[timeline["resource"] == resource]
        assert part["busy_cycles"].sum() == cycles[rows.index].sum()
        assert part["start_cycle"].min() == rows["start_cycle"].min()
        assert part["end_cycle"].max() == rows["end_cycle"].max()


@given(timelines(), st.integers(1, 40))
def test_no_two_bars_of_a_resource_overlap(timeline: pd.DataFrame, limit: int) -> None:
    for _, part in timeline_data(timeline, limit=limit).groupby("resource"):
        ordered = part.sort_values("start_cycle")
        assert (ordered["end_cycle"].shift(fill_value=0) <= ordered["start_cycle"]).all()
        assert (ordered["busy_cycles"] <= ordered["end_cycle"] - ordered["start_cycle"]).all()


@given(timelines())
def test_a_short_timeline_is_drawn_as_it_is(timeline: pd.DataFrame) -> None:
    bars = timeline_data(timeline)
    assert len(bars) == len(timeline)
    assert (bars["rows"] == 1).all()


def test_touching_rows_of_a_layer_and_timestep_become_one_bar_first() -> None:
    columns = ["resource", "layer", "stream", "timestep", "tile", "state"]
    timeline = pd.DataFrame(
        [
            ("spike[0]", "a", "spike", 0, 0, "scan", 0, 4),
            ("spike[0]", "a", "spike", 0, 1, "scan", 4, 9),
            ("spike[0]", "a", "spike", 1, 0, "scan", 9, 12),
            ("spike[0]", "b", "spike", 1, 0, "scan", 14, 15),
        ],
        columns=[*columns, "start_cycle", "end_cycle"],
    )
    bars = timeline_data(timeline, limit=3)
    assert list(bars["start_cycle"]) == [0, 9, 14]
    assert list(bars["rows"]) == [2, 1, 1]
    bars = timeline_data(timeline, limit=2)
    assert list(zip(bars["layer"], bars["end_cycle"], strict=True)) == [("a", 12), ("b", 15)]
    assert list(bars["last_timestep"]) == [1, 1]


def test_cores_come_first_and_numbers_sort_as_numbers() -> None:
    result = example_result("fsnn18")
    cores = list(dict.fromkeys(result.occupancy["core"]))
    bars = timeline_data(result.timeline, cores)
    assert list(dict.fromkeys(bars["resource"])) == [
        core for core in cores if core in set(result.timeline["resource"])
    ] + [*(f"activation_buffer[{n}]" for n in range(4)), "dram[0]", "weight_buffer[0]",
         "weight_buffer[1]"]  # fmt: skip


def test_at_most_two_thousand_bars_are_drawn() -> None:
    result = example_result("dsnn50")
    assert len(result.timeline) > 8_000
    bars = timeline_data(result.timeline)
    figure = drawn(timeline_figure(bars, result.summary["makespan_cycles"]))
    shown = sum(len(trace.x) for trace in figure.data if trace.base is not None)
    assert shown == len(bars) <= 2_000


def test_merging_keeps_as_much_detail_as_fits() -> None:
    """Ten cores that change to another layer after every job."""
    rows = [
        (f"spike[{core}]", f"layer{job}", "spike", 0, 0, "scan", 10 * job + core, 10 * job + 10)
        for core in range(10)
        for job in range(1_000)
    ]
    columns = ["resource", "layer", "stream", "timestep", "tile", "state"]
    timeline = pd.DataFrame(rows, columns=[*columns, "start_cycle", "end_cycle"])
    for limit in (50, 500, 2_000):
        bars = timeline_data(timeline, limit=limit)
        assert limit / 2 <= len(bars) <= limit
        assert bars.groupby("resource").size().min() >= limit / 20


def test_a_busy_port_takes_no_bars_from_the_cores() -> None:
    """A core of ten layers beside a port with a thousand short transfers."""
    core = [("spike[0]", f"layer{job}", 100 * job, 100 * job + 100) for job in range(10)]
    port = [("dram[0]", f"layer{n // 100}", n, n + 1) for n in range(0, 1_000, 2)]
    rows = [(name, layer, "spike", 0, 0, "scan", *span) for name, layer, *span in core + port]
    columns = ["resource", "layer", "stream", "timestep", "tile", "state"]
    timeline = pd.DataFrame(rows, columns=[*columns, "start_cycle", "end_cycle"])
    bars = timeline_data(timeline, ["spike[0]"], limit=20)
    cores = bars[bars["resource"] == "spike[0]"]
    assert list(cores["layer"]) == [f"layer{job}" for job in range(10)]
    assert len(bars) <= 20


def test_bars_are_as_pale_as_their_resource_was_idle() -> None:
    columns = ["resource", "layer", "stream", "timestep", "tile", "state"]
    rows = [("spike[0]", "a", "spike", 0, 0, "scan", start, start + 1) for start in (0, 3)]
    timeline = pd.DataFrame(rows, columns=[*columns, "start_cycle", "end_cycle"])
    whole, merged = (timeline_data(timeline, limit=limit) for limit in (2, 1))
    (_, full), (_, pale) = (drawn(timeline_figure(bars, 4)).data for bars in (whole, merged))
    assert list(full.marker.opacity) == [1.0, 1.0]
    assert list(pale.marker.opacity) == [0.6]  # busy for half of the time


def test_an_empty_timeline_has_no_bars() -> None:
    empty = example_result("fsnn18", cores=False).timeline
    assert timeline_data(empty).empty
    assert drawn(timeline_figure(timeline_data(empty), 1)).layout.xaxis.title.text


def test_of_very_many_resources_the_busiest_are_drawn() -> None:
    rows = [(f"soma[{core}]", 0, core + 1) for core in range(5)]
    timeline = pd.DataFrame(rows, columns=["resource", "start_cycle", "end_cycle"])
    assert busiest(timeline, limit=2)["resource"].tolist() == ["soma[3]", "soma[4]"]
    assert busiest(timeline, limit=5) is timeline


def test_the_page_of_a_hundred_thousand_jobs_is_small() -> None:
    """Every job and every segment of the path is cut into pieces with gaps between them."""
    result = example_result("dsnn50")
    timeline = in_pieces(result.timeline, 14)
    path = in_pieces(result.critical_path, 1_200)
    assert len(timeline[timeline["state"] == "accumulate"]) > 100_000
    assert len(path) > 100_000
    page = run_page(replace(result, timeline=timeline, critical_path=path))
    assert len(page_html(page)) <= 20_000_000
    figures = {each.name: each.figure for part in page.sections for each in part.shown_pictures}
    for name, limit in (("timeline", LARGEST_BARS + MOST_MARKS), ("critical-chain", LARGEST_BARS)):
        shown = sum(len(trace["x"]) for trace in figures[name].data if "base" in trace)
        assert 0 < shown <= limit
