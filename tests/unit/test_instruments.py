"""Survey instruments: what ships, what is refused, and which wordings count as the same."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ingestion.instruments import InstrumentError, load_instruments, normalise_wording, read_instrument

SMALL = {
    "instrument_id": "small",
    "title": "Small",
    "description": "Two statements.",
    "scales": {
        "extent": [
            {"label": "No", "code": "no", "score": 1},
            {"label": "Partly", "code": "partly", "score": 2, "also": ["In part"]},
            {"label": "Yes", "code": "yes", "score": 3},
            {"label": "Prefer not to say", "code": "not_said"},
        ]
    },
    "items": [
        {"item_id": "a1", "wordings": ["We meet"]},
        {"item_id": "a2", "wordings": ["We don't meet", "We never meet"], "reverse": True},
    ],
}


def small(**changes: object) -> str:
    return yaml.safe_dump(SMALL | changes)


def test_workforce_survey_has_23_items_in_order() -> None:
    items = load_instruments()["workforce"].items
    assert [item.item_id for item in items] == [f"wf{i:02}" for i in range(1, 24)]
    assert [item.item_id for item in items if item.reverse] == []
    assert items[17].wordings[0] == "I can challenge policies and procedures that do harm, and am heard"


def test_workforce_scale_runs_from_one_to_five_and_preferring_not_to_say_has_no_score() -> None:
    instrument = load_instruments()["workforce"]
    assert instrument.scores(instrument.items[0]) == {
        "strongly_disagree": 1,
        "disagree": 2,
        "neither": 3,
        "agree": 4,
        "strongly_agree": 5,
        "prefer_not_to_say": None,
    }
    codes = instrument.label_codes(instrument.items[0])
    assert codes["Strongly agree"] == "strongly_agree"
    assert codes["Neither agree nor disagree"] == "neither"
    assert codes["Prefer not to say"] == "prefer_not_to_say"


def test_statement_keeps_its_item_when_an_earlier_wave_worded_it_otherwise() -> None:
    by_wording = load_instruments()["workforce"].items_by_wording
    for wording in ("My wellbeing is valued and given priority", "My wellbeing is valued and prioritised"):
        assert [item.item_id for item in by_wording[normalise_wording(wording)]] == ["wf12"]
    assert len(by_wording) == 26


def test_alternative_label_gives_the_same_code() -> None:
    instrument = read_instrument(small(), "small.yml")
    assert instrument.label_codes(instrument.items[0]) == {
        "No": "no",
        "Partly": "partly",
        "In part": "partly",
        "Yes": "yes",
        "Prefer not to say": "not_said",
    }


def test_scores_of_a_reversed_item_run_the_other_way() -> None:
    instrument = read_instrument(small(), "small.yml")
    assert instrument.scores(instrument.items[0]) == {"no": 1, "partly": 2, "yes": 3, "not_said": None}
    assert instrument.scores(instrument.items[1]) == {"no": 3, "partly": 2, "yes": 1, "not_said": None}


@pytest.mark.parametrize(
    "written",
    [
        "i feel confident to put trauma-informed practice into action",
        "I feel confident to put trauma-informed\u00a0practice\ninto action",
        "  I feel  confident to put\r\n\ttrauma informed practice into action.  ",
        "“I feel confident to put trauma\u2011informed practice into action”…",
        "\ufeffI feel con\u00adfident to put trauma–informed practice into action\u200b",
    ],
)
def test_wording_that_differs_only_in_case_space_or_punctuation_still_matches(written: str) -> None:
    by_wording = load_instruments()["workforce"].items_by_wording
    assert [item.item_id for item in by_wording[normalise_wording(written)]] == ["wf05"]


def test_straight_curly_and_missing_apostrophes_match() -> None:
    assert normalise_wording("Don't") == normalise_wording("don’t") == normalise_wording("DONT") == "dont"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Trauma is regularly discussed in my team", "Trauma is regularly discussed in my teams"),
        ("I have 1 hour", "I have 2 hours"),
        ("I can rest", "I cannot rest"),
        ("Strongly agree", "Agree"),
    ],
)
def test_wordings_that_differ_in_a_letter_or_digit_stay_apart(one: str, other: str) -> None:
    assert normalise_wording(one) != normalise_wording(other)


@given(st.text())
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    once = normalise_wording(text)
    assert normalise_wording(once) == once
    assert "  " not in once
    assert once == once.strip()


def test_bare_yes_in_yaml_is_refused_with_the_advice_to_quote_it() -> None:
    text = small().replace("label: 'Yes'", "label: Yes")
    with pytest.raises(InstrumentError, match=r'^small\.yml: .*(?s:.*)Quote answers such as "Yes"'):
        read_instrument(text, "small.yml")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"itmes": []}, "itmes"),
        ({"items": [{"item_id": "a1", "wordings": ["We meet"], "reversed": True}]}, "reversed"),
        ({"items": [{"item_id": "a1", "wordings": []}]}, "wordings"),
        (
            {"items": [{"item_id": "a1", "wordings": ["We meet"]}, {"item_id": "a2", "wordings": ["we meet."]}]},
            "wording used twice: we meet",
        ),
        (
            {"items": [{"item_id": "a1", "wordings": ["We meet"]}, {"item_id": "a1", "wordings": ["We talk"]}]},
            "item id used twice: a1",
        ),
        (
            {"scales": {"e": [{"label": "No", "code": "no", "score": 1}, {"label": "NO!", "code": "nay", "score": 2}]}},
            "answer label used twice: no",
        ),
        (
            {"scales": {"e": [{"label": "No", "code": "no", "score": 1}, {"label": "Yes", "code": "yes", "score": 1}]}},
            "score used twice: 1",
        ),
        ({"items": [{"item_id": "a1", "wordings": ["We meet"], "scales": ["often"]}]}, "a1: there is no scale often"),
        ({"not_kept": ["WE MEET"]}, "wording used twice: we meet"),
    ],
)
def test_instrument_that_contradicts_itself_is_refused_by_name(changes: dict[str, object], says: str) -> None:
    with pytest.raises(InstrumentError, match=says):
        read_instrument(small(**changes), "small.yml")


def test_text_that_is_not_yaml_is_refused_by_file_name() -> None:
    with pytest.raises(InstrumentError, match=r"^broken\.yml"):
        read_instrument("items: [", "broken.yml")


def test_instrument_cannot_be_changed_once_loaded() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load_instruments()["workforce"].title = "Another"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("instrument_id", "items"),
    [
        ("organisational", [*(f"org{n:02}" for n in range(1, 23)), *(f"org{n}" for n in range(31, 36))]),
        ("children_families", [f"cf{n:02}" for n in range(1, 15)]),
        ("training_feedback", ["tf01", "tf02"]),
    ],
)
def test_the_other_instruments_have_the_items_of_the_design_in_order(instrument_id: str, items: list[str]) -> None:
    assert [item.item_id for item in load_instruments()[instrument_id].items] == items


def test_frequency_and_agreement_score_alike_and_an_organisation_that_does_not_know_has_no_score() -> None:
    families = load_instruments()["children_families"]
    scores = families.scores(families.items[0])
    for low_to_high in (
        ["never", "rarely", "sometimes", "often", "always"],
        ["strongly_disagree", "disagree", "neither", "agree", "strongly_agree"],
    ):
        assert [scores[code] for code in low_to_high] == [1, 2, 3, 4, 5]
    assert scores["prefer_not_to_say"] is None
    organisational = load_instruments()["organisational"]
    by_id = {item.item_id: organisational.scores(item) for item in organisational.items}
    assert by_id["org01"] == {"no": 0, "partly": 1, "yes": 2, "not_known": None, "prefer_not_to_say": None}
    assert by_id["org31"] == {**{f"stage_{n}": n for n in range(5)}, "prefer_not_to_say": None}
    # A list of changes to choose from has no order.
    assert set(by_id["org22"].values()) == {None}
