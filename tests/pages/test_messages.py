"""What the page of a run says of a chip of message-driven cores."""

from codesign.evaluation import evaluate
from codesign.pages.content import Number
from codesign.pages.messages import message_section, message_sentences, population_table
from codesign.pages.run_report import run_page
from codesign.results import Result
from codesign.specs.catalogue import load_architecture
from codesign.units import si
from tests.chip.small_chips import split_chip
from tests.small_networks import dual_stream_network


def result() -> Result:
    chip = load_architecture("loihi_like", ["messages.neurons=100"])
    return evaluate(dual_stream_network(accumulation=False), chip)


def test_the_sentences_are_the_summarys_counts() -> None:
    summary = result().summary
    counts = summary["messages"]
    first, second, third = message_sentences(summary)
    assert first.startswith(f"{counts['neurons']} neurons on {counts['cores']} cores, in ")
    assert f"go through {counts['timesteps']} timesteps of the chip: 2 of the network" in first
    spikes, messages = (si(counts[name], "") for name in ("spikes", "messages"))
    assert f"{si(counts['hop_pj'] * 1e-12, 'J')} on hops." in third
    assert second.startswith(f"{spikes} spikes are sent as {messages} messages, ")


def test_the_populations_cover_all_cores_and_neurons() -> None:
    summary = result().summary
    rows = population_table(summary).rows
    assert [row[0] for row in rows][:2] == ["input", "stem"]
    assert rows[0][1] == "0 to 4"  # 432 pixels, 100 to a core
    numbers = [cell.value for _, _, cell, _ in rows if isinstance(cell, Number)]
    assert sum(numbers) == summary["messages"]["neurons"]


def test_other_chips_have_no_such_section() -> None:
    summary = evaluate(dual_stream_network(), split_chip()).summary
    assert message_section(summary) == []


def test_a_page_of_such_a_chip_says_what_it_does_not_know() -> None:
    page = run_page(result())
    titles = [section.title for section in page.sections]
    assert "Messages" in titles
    assert "Mapping" not in titles
    (power,) = (section for section in page.sections if section.title == "Power")
    assert power.text[-1] == "Leakage and area are not stated for this chip."
