"""Under which key the pseudonyms of each file in force were made, and what another key would part.

A pseudonym cannot be made again without the identifier, which only the file in the inbox has. So a new key reaches
the files that are there, and what landed from others keeps the pseudonyms of the old one and joins to nothing new.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingestion.contracts import Contract, load_contracts
from ingestion.home import Home
from ingestion.ledger import Ledger
from ingestion.pseudonyms import PseudonymKeyError
from ingestion.registry.layout import seed_rows
from ingestion.texts import listed

#: What stands for the key of a vintage that landed before the ledger wrote it down.
UNKNOWN_KEY = "not known"
#: Names in the list of indicators' sources that are put together of several datasets.
_PUT_TOGETHER = {"training_records": ("training_bookings", "moodle_course_completion", "moodle_activity_progress")}
_NEW_KEY_BYTES = 32


@dataclass(frozen=True)
class Held:
    """A file in force that holds pseudonyms which join to those of other files."""

    dataset: str
    file_name: str
    vintage_id: str
    key_id: str
    #: Whether the file is in the inbox, so that it lands anew when the key changes.
    is_in_inbox: bool


@dataclass(frozen=True)
class Linked:
    """Files whose pseudonyms can be joined while one key made them: those of one domain."""

    domain: str
    files: tuple[Held, ...]
    #: Indicators that rest on one of the datasets.
    indicators: tuple[str, ...]

    @property
    def datasets(self) -> list[str]:
        """The datasets, by name."""
        return sorted({held.dataset for held in self.files})

    @property
    def keys(self) -> list[str]:
        """The keys that are in use, by their fingerprints."""
        return sorted({held.key_id for held in self.files})


def domains(contract: Contract) -> set[str]:
    """The domains of a dataset's pseudonyms that outlive one file; a survey's response is nobody's in the next wave."""
    found = {c.domain for c in contract.columns if c.personal == "pseudonymise" and not c.per_submission and c.lands}
    found |= {derived.pseudonymise for derived in contract.derived}
    return {domain for domain in found if domain is not None}


def linked_files(home: Home, ledger: Ledger) -> list[Linked]:
    """The files in force, by the domain of their pseudonyms; those of two domains come twice."""
    found: dict[str, list[Held]] = {}
    for dataset, contract in load_contracts().items():
        held = [
            Held(dataset, path, vintage_id, key_id or UNKNOWN_KEY, (home.inbox / path).is_file())
            for path, vintage_id, key_id in ledger.keys_in_force(dataset)
        ]
        for domain in domains(contract):
            found.setdefault(domain, []).extend(held)
    return [
        Linked(domain, tuple(files), tuple(_indicators({held.dataset for held in files})))
        for domain, files in sorted(found.items())
        if files
    ]


def parted(linked: Iterable[Linked]) -> list[Linked]:
    """Those of which not all were made with one key."""
    return [one for one in linked if len(one.keys) > 1]


def says_what_is_parted(linked: Linked) -> str:
    """What is lost where files of one domain stand under several keys, and what to do."""
    counts = ", ".join(
        f"{sum(held.key_id == key_id for held in linked.files)} under {key_id}" for key_id in linked.keys
    )
    gone = [held.file_name for held in linked.files if not held.is_in_inbox]
    remedy = (
        f"Put {listed(gone)} back into the inbox, if there are copies" if gone else "Run again, so that they land anew"
    )
    return (
        f"files in force of {', '.join(linked.datasets)} hold pseudonyms of {len(linked.keys)} keys ({counts}), so the "
        f"same person is two in them. Affected: {', '.join(linked.indicators) or 'no indicator that ships'}. {remedy}; "
        "otherwise read what follows people across these files with care."
    )


def write_new_key(path: Path) -> None:
    """Make a key and write it to a new file that its owner alone may read.

    Raises:
        PseudonymKeyError: there is something at the path already, or it cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise PseudonymKeyError(
            f"{path} could not be made ({error.strerror}). Name a file that does not exist yet, in a folder that does."
        ) from error
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(_NEW_KEY_BYTES) + "\n")


def _indicators(datasets: set[str]) -> Sequence[str]:
    made_of: Mapping[str, Sequence[str]] = _PUT_TOGETHER
    return sorted(
        {
            row["indicator_id"]
            for row in seed_rows("indicator_sources")
            if datasets & {row["source_dataset"], *made_of.get(row["source_dataset"], ())}
        }
    )
