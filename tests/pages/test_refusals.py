"""What does not run is a row with the reason, beside what does."""

from codesign.pages.compare_report import compare_page
from codesign.pages.refusals import Refusal, refusal_section, refusal_sentences, refusals_json
from tests.pages.example_results import example_result

TOO_LARGE = Refusal("dsnn50", "small_chip", "the network must fit 2 cores. Enlarge the mesh.")


def test_a_refusal_is_a_row_with_its_reason() -> None:
    (section,) = refusal_section([TOO_LARGE])
    assert section.table is not None
    assert section.table.rows == [["dsnn50", "small_chip", TOO_LARGE.reason]]
    titles = [each.title for each in compare_page([example_result()], [TOO_LARGE]).sections]
    assert titles[-1] == section.title == "What does not run"


def test_a_refusal_is_a_sentence_and_an_object() -> None:
    assert refusal_sentences([TOO_LARGE]) == [
        "dsnn50 does not run on small_chip: the network must fit 2 cores. Enlarge the mesh."
    ]
    assert refusals_json([TOO_LARGE]) == [
        {"workload": "dsnn50", "architecture": "small_chip", "reason": TOO_LARGE.reason}
    ]


def test_where_all_runs_there_is_nothing_to_say() -> None:
    assert refusal_section([]) == refusal_sentences([]) == refusals_json([]) == []
