"""Survey instruments, as data: one YAML file each, with its items, every wording of every wave, and its answers.

What an item is worth as an indicator does not stand here but in the registry of indicators. Unknown keys are refused,
so a misspelt option is an error and not a silent default.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, cached_property
from importlib.resources import files
from typing import Annotated, Self

import yaml
from pydantic import Field, StringConstraints, model_validator

from ingestion.contracts import Identifier, Strict
from ingestion.home import Home, entries

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]

#: Everything that is neither a letter nor a digit: spaces of all kinds, line breaks, punctuation.
_BETWEEN_WORDS = re.compile(r"[\W_]+")
_APOSTROPHES = re.compile(r"['’‘ʼ`´]")


class InstrumentError(Exception):
    """An instrument cannot be used; the message names the file and what to change."""


class ScaleLabel(Strict):
    """One answer of a scale, or one option of a question that takes several."""

    label: Text
    code: Identifier
    #: None for an answer that says nothing about the statement, such as preferring not to say.
    score: int | None = None
    #: Other labels under which forms have offered the same answer.
    also: list[Text] = Field(default_factory=list)


class Item(Strict):
    """One statement or question of the instrument."""

    item_id: Identifier
    #: The wording in use first, then those of earlier waves.
    wordings: list[Text] = Field(min_length=1)
    #: The heading of the grid that the statement stands in, in every wording: tells it from the same statement in
    #: another grid. Where a tool's export leaves headings out, the order in the file does.
    grid: list[Text] = Field(default_factory=list)
    #: Names of the scales that forms have offered; without one, the instrument's first.
    scales: list[Identifier] = Field(default_factory=list)
    #: Agreement speaks against what the item measures, so its scores run the other way.
    reverse: bool = False
    #: Any number of the answers may be chosen; each lands as a row of its own.
    choose_many: bool = False


class Instrument(Strict):
    """One survey form, whatever tool it is filled in with."""

    instrument_id: Identifier
    title: Text
    description: Text
    #: Answers by name of the scale; the first is that of every item which names none.
    scales: dict[Identifier, list[ScaleLabel]] = Field(min_length=1)
    items: list[Item] = Field(min_length=1)
    #: Questions that forms have asked and nothing keeps, such as those for free text.
    not_kept: list[Text] = Field(default_factory=list)

    @model_validator(mode="after")
    def _nothing_means_two_things(self) -> Self:
        _refuse_repeats("item id", [item.item_id for item in self.items])
        wordings = [
            normalise_wording(f"{grid} {wording}")
            for item in self.items
            for wording in item.wordings
            for grid in item.grid or [""]
        ]
        wordings += [normalise_wording(question) for question in self.not_kept]
        _refuse_repeats("wording", wordings)
        for item in self.items:
            if unknown := sorted(set(item.scales) - self.scales.keys()):
                raise ValueError(f"{item.item_id}: there is no scale {', '.join(unknown)}")
            answers = self.answers(item)
            _refuse_repeats("code", [answer.code for answer in answers])
            labels = [label for answer in answers for label in (answer.label, *answer.also)]
            _refuse_repeats("answer label", [normalise_wording(label) for label in labels])
        for scale in self.scales.values():
            _refuse_repeats("score", [str(answer.score) for answer in scale if answer.score is not None])
        return self

    def answers(self, item: Item) -> list[ScaleLabel]:
        """The answers that an item may have, of all its scales; one that two scales share stands once."""
        names = item.scales or [next(iter(self.scales))]
        return list({answer.model_dump_json(): answer for name in names for answer in self.scales[name]}.values())

    def label_codes(self, item: Item) -> dict[str, str]:
        """Every label an answer to the item may be written as → the answer's code, in the order of its scales."""
        return {label: answer.code for answer in self.answers(item) for label in (answer.label, *answer.also)}

    def scores(self, item: Item) -> dict[str, int | None]:
        """Answer code → score of that answer to this item, turned round where the item is reversed."""
        answers = self.answers(item)
        scored = [answer.score for answer in answers if answer.score is not None]
        if not item.reverse or not scored:
            return {answer.code: answer.score for answer in answers}
        ends = min(scored) + max(scored)
        return {answer.code: None if answer.score is None else ends - answer.score for answer in answers}

    @cached_property
    def items_by_wording(self) -> dict[str, list[Item]]:
        """Every wording, normalised by ``normalise_wording``, → the items that it may be, in their order."""
        found: dict[str, list[Item]] = {}
        for item in self.items:
            for wording in item.wordings:
                found.setdefault(normalise_wording(wording), []).append(item)
        return found


def _refuse_repeats(what: str, values: list[str]) -> None:
    twice = sorted({value for value in values if values.count(value) > 1})
    if twice:
        raise ValueError(f"{what} used twice: {'; '.join(twice)}")


def normalise_wording(text: str) -> str:
    """The text with everything folded that survey tools change: case, spaces, line breaks, punctuation.

    Two wordings that differ in nothing else give the same result; two that differ in a letter or digit do not.
    Apostrophes are dropped, so that "don't" and "don’t" agree; all other punctuation parts words as a space does.
    """
    # Soft hyphens, zero-width spaces and byte-order marks come along when a question is pasted from a document.
    visible = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
    folded = unicodedata.normalize("NFKC", visible).casefold()
    return _BETWEEN_WORDS.sub(" ", _APOSTROPHES.sub("", folded)).strip()


@cache
def load_instruments() -> dict[str, Instrument]:
    """Every instrument that ships, by id.

    Raises:
        InstrumentError: a file is not valid; names it and says what is wrong.
    """
    instruments: dict[str, Instrument] = {}
    for path in sorted(files("ingestion").joinpath("instruments").iterdir(), key=lambda p: p.name):
        if not path.name.endswith(".yml"):
            continue
        instrument = read_instrument(path.read_text(encoding="utf-8"), f"ingestion/instruments/{path.name}")
        if f"{instrument.instrument_id}.yml" != path.name:
            raise InstrumentError(
                f"ingestion/instruments/{path.name}: the file must be named after {instrument.instrument_id}"
            )
        instruments[instrument.instrument_id] = instrument
    return instruments


def load_own_instruments(home: Home) -> tuple[Instrument, ...]:
    """The instruments that a home has of its own, in ``instruments/*.yml``.

    Raises:
        InstrumentError: a file is not valid; names it and says what is wrong.
    """
    instruments = []
    for path in entries(home.instruments):
        shown = f"{home.instruments.name}/{path.name}"
        if path.suffix != ".yml" or not path.is_file():
            raise InstrumentError(f"{shown}: an instrument is a file <instrument>.yml. Rename it or move it elsewhere.")
        try:
            instrument = read_instrument(path.read_text(encoding="utf-8"), shown)
        except UnicodeDecodeError as error:
            raise InstrumentError(f"{shown} is not UTF-8 text: save it as UTF-8.") from error
        if path.stem != instrument.instrument_id:
            raise InstrumentError(f"{shown}: the file must be named after {instrument.instrument_id}. Rename it.")
        instruments.append(instrument)
    return tuple(instruments)


def read_instrument(text: str, file_name: str) -> Instrument:
    """One instrument from the text of its YAML file.

    Args:
        text: what stands in the file.
        file_name: what errors call the file.

    Raises:
        InstrumentError: the text is not valid YAML or not a valid instrument; names the file.
    """
    try:
        return Instrument.model_validate(yaml.safe_load(text))
    except (ValueError, yaml.YAMLError) as error:
        hint = (
            ' Quote answers such as "Yes" and "No": YAML reads them as booleans when they stand bare.'
            if "Input should be a valid string" in str(error)
            else ""
        )
        raise InstrumentError(f"{file_name}: {error}{hint}") from error
