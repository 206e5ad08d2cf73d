"""How whoever started a run follows it: the steps tell a watcher, which a terminal can turn into a display."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from expectations.results import CheckResult
    from ingestion.landing import FileReport
    from publishing.publication import Publication


class Watcher:
    """Looks on and does nothing; override what is of interest."""

    def phase(self, name: str) -> None:
        """A part of the run begins: ``landing``, ``landing checks``, ``models``, ``mart checks``, ``publication``."""

    def landed(self, report: FileReport) -> None:
        """A file of the inbox has been dealt with."""

    def built(self, name: str, number: int, total: int) -> None:
        """The ``number``-th of ``total`` models, seeds and tests is done."""

    def checked(self, results: Sequence[CheckResult]) -> None:
        """A stage's checks have been run."""

    def warned(self, text: str) -> None:
        """Something is worth knowing now, and stops nothing."""

    def published(self, publication: Publication) -> None:
        """There is a publication in force."""
