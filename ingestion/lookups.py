"""What the texts of a file stand for: pseudonyms, organisations, chosen options, places, scores.

Lookup tables in the file's own DuckDB, filled as texts turn up. Everything here works on each different text once,
however many rows hold it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import duckdb
import pyarrow as pa

from ingestion.contracts import POSTCODE_PARTS, Column, Contract
from ingestion.home import Home
from ingestion.instruments import Instrument
from ingestion.limits import LONGEST_NAME, MOST_SUGGESTIONS
from ingestion.organisations import Register, read_register
from ingestion.pseudonyms import Key
from ingestion.reference.postcodes import normalise_postcode_sql, postcode_table
from ingestion.split import Source, choices_in
from ingestion.sql import literal, name

_TEXT = pa.string()
#: Type of a column whose texts are looked up → what is found of each.
_LOOKED_UP = {
    "organisation": "resolved varchar",
    "choices": "resolved varchar[]",
    "postcode": "authority_code varchar, easting integer, northing integer, grid varchar",
}
_SCORES = "answer_scores"


class Lookups:
    """The lookup tables of one file."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        home: Home | None,
        key: Key,
        contract: Contract,
        columns: Sequence[Column],
        source: Source,
        instrument: Instrument | None = None,
        *,
        resolves_organisations: bool,
    ) -> None:
        """Make them, empty, and tell ``source`` of them.

        Args:
            con: the file's DuckDB.
            home: whose register and postcodes are asked.
            key: makes the pseudonyms.
            contract: the dataset.
            columns: its columns in the file.
            source: the file.
            instrument: what it answers, where it is of a survey.
            resolves_organisations: whether the register is asked; otherwise every organisation stands for itself.
        """
        self._con, self._home, self._source = con, home, source
        self._resolves_organisations = resolves_organisations
        self._register: Register | None = None
        self._seen: dict[str, set[str]] = {}
        key.offer(con)
        for column in columns:
            if column.personal == "pseudonymise":
                scope = f"{source.submission}|" if column.per_submission else ""
                text = f"{literal(scope)} || {name(column.name + '_text')}"
                source.pseudonyms[column.name] = key.pseudonym_sql(column.domain or "", text)
            elif column.type in _LOOKED_UP:
                self._make(column, _LOOKED_UP[column.type])
                self._seen[column.name] = set()
        for derived in contract.derived:
            if derived.pseudonymise is not None:
                source.pseudonyms[derived.name] = key.pseudonym_sql(derived.pseudonymise, name(derived.name))
        if instrument is not None:
            self._score(instrument)

    def _make(self, column: Column, values: str) -> None:
        table = name(f"lookup_of_{column.name}")
        self._con.execute(f"create temp table {table} (key varchar, {values})")
        self._source.lookups[column.name] = table

    def looks_up(self, column: Column) -> bool:
        """Whether the column's texts have to be made known."""
        return column.name in self._seen

    def located(self, column: Column) -> tuple[int, int]:
        """How many different texts of a column of postcodes have turned up, and how many of them are postcodes."""
        table = self._source.lookups[column.name]
        ((located,),) = self._con.execute(f"select count(*) from {table} where authority_code is not null").fetchall()
        return len(self._seen[column.name]), int(located)

    def add(self, column: Column, texts: Iterable[str]) -> None:
        """Make texts of a column known; those that are known already cost nothing."""
        seen = self._seen[column.name]
        new = sorted(set(texts) - seen)
        if not new:
            return
        seen.update(new)
        if column.type == "postcode":
            self._locate(column, new)
        elif column.type == "choices":
            chosen = [choices_in(text, column) for text in new]
            self._insert(column, new, pa.array(chosen, pa.list_(_TEXT)))
        else:
            self._name(column, new)

    def _name(self, column: Column, texts: list[str]) -> None:
        self._register = self._register or read_register(self._home)
        register = self._register
        resolved = [register.resolve(text) if self._resolves_organisations else text for text in texts]
        self._insert(column, texts, pa.array(resolved, _TEXT))
        suggestions = self._source.suggestions.setdefault(column.name, {})
        for text, found in zip(texts, resolved, strict=True):
            if found is None and len(text) <= LONGEST_NAME and len(suggestions) < MOST_SUGGESTIONS:
                suggestions[text] = register.suggest(text)

    def _insert(self, column: Column, texts: list[str], resolved: pa.Array) -> None:
        entries = pa.table({"key": pa.array(texts, _TEXT), "resolved": resolved})
        self._con.register("entries", entries)
        self._con.execute(f"insert into {self._source.lookups[column.name]} select * from entries")
        self._con.unregister("entries")

    def _locate(self, column: Column, texts: list[str]) -> None:
        self._con.register("entries", pa.table({"key": pa.array(texts, _TEXT)}))
        self._con.execute(
            f"""create or replace temp table postcode_keys as
            select key, {normalise_postcode_sql("key")} as postcode_key from entries"""
        )
        self._con.unregister("entries")
        located = postcode_table(self._con, self._home, "postcode_keys")
        parts = ", ".join(f"located.{part}" for part in POSTCODE_PARTS)
        self._con.execute(
            f"""insert into {self._source.lookups[column.name]}
            select keys.key, {parts} from postcode_keys as keys join {located} as located using (postcode_key)"""
        )

    def _score(self, instrument: Instrument) -> None:
        scores = [
            (item.item_id, answer, score)
            for item in instrument.items
            for answer, score in instrument.scores(item).items()
        ]
        items, answers, points = zip(*scores, strict=True)
        entries = pa.table(
            {"item_id": pa.array(items), "answer": pa.array(answers), "score": pa.array(points, pa.int64())}
        )
        self._con.register("entries", entries)
        self._con.execute(f"create temp table {_SCORES} as select * from entries")
        self._con.unregister("entries")
        self._source.scores = _SCORES
