"""A home: the one folder that holds a partnership's settings, inbox, landing zone, warehouse and publications."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from ingestion.alert_settings import Channel
from ingestion.limits import LARGEST_FILE_GB

SETTINGS_FILE = "impact.yml"
HOME_VARIABLE = "IMPACT_HOME"
#: How a length of time is written.
SPAN = r"^[1-9][0-9]{0,2} (months?|years?)$"


class HomeError(Exception):
    """The home cannot be used; the message says what to do."""


class Settings(BaseModel):
    """What ``impact.yml`` may say. Only the authority has no default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: Nine-character code of the home's own authority.
    authority: str = Field(pattern=r"^[A-Z][0-9]{8}$")
    #: How many publications stay on disk, the current one included.
    keep_publications: int = Field(default=5, ge=1)
    #: Group of users who may read the publication, and nothing else; without one it is that of the home's owner.
    publication_group: str | None = Field(default=None, min_length=1)
    #: Gigabytes (of a thousand million bytes) of the largest file that is read.
    largest_file_gb: float = Field(default=LARGEST_FILE_GB, gt=0)
    #: How long past runs, their logs and their events are kept.
    keep_history_days: int = Field(default=60, ge=1)
    #: Over which channels somebody is told of what needs them; see docs/operating.md.
    alerts: tuple[Channel, ...] = ()
    #: When what is still open is told again.
    alert_again_after_days: int = Field(default=7, ge=1)
    #: After so many days without a run that got to its end somebody is told.
    alert_without_run_days: int = Field(default=3, ge=1)
    #: Dataset → how long its landed rows are kept, where that is not what the project's own rules say.
    retention: dict[str, Annotated[str, StringConstraints(pattern=SPAN)]] = Field(default_factory=dict)

    def __hash__(self) -> int:
        """What a home's settings are is a key of what is worked out from them."""
        return hash(self.model_dump_json())


@dataclass(frozen=True)
class Home:
    """Where everything of one home lives. Paths only: nothing is created by looking."""

    root: Path
    settings: Settings

    @property
    def inbox(self) -> Path:
        """Files as suppliers sent them; never changed by the pipeline."""
        return self.root / "inbox"

    @property
    def landing(self) -> Path:
        """Typed Parquet, one file per vintage, and the ledger."""
        return self.root / "landing"

    @property
    def quarantine(self) -> Path:
        """Findings about rows and files, one Parquet file per vintage that has any."""
        return self.root / "quarantine"

    @property
    def ledger(self) -> Path:
        """The record of every file ever seen (SQLite)."""
        return self.landing / "ledger.sqlite"

    @property
    def reference_overlay(self) -> Path:
        """Reference data that the home adds to what ships; optional."""
        return self.root / "reference"

    @property
    def frameworks(self) -> Path:
        """The home's own frameworks, one folder each; optional."""
        return self.root / "frameworks"

    @property
    def instruments(self) -> Path:
        """The home's own survey instruments; optional."""
        return self.root / "instruments"

    @property
    def decisions(self) -> Path:
        """What the partnership has decided about figures, such as targets, one table each; optional."""
        return self.root / "decisions"

    @property
    def reference(self) -> Path:
        """Reference data as the warehouse reads it."""
        return self.landing / "reference"

    @property
    def warehouse(self) -> Path:
        """The warehouse that dbt builds and nobody else reads."""
        return self.root / "warehouse.duckdb"

    @property
    def publications(self) -> Path:
        """One folder per publication kept."""
        return self.root / "publications"

    @property
    def disclosure(self) -> Path:
        """What the publication in force rests on and hides; the next one must not give it away."""
        return self.root / "disclosure"

    @property
    def checks(self) -> Path:
        """What becomes of the checks over time, and their documentation; outside the working state, which may go."""
        return self.root / "checks"

    @property
    def frozen(self) -> Path:
        """Counts whose rows have been deleted; unsuppressed, and never published."""
        return self.root / "frozen"

    @property
    def published(self) -> Path:
        """The link that names the publication in force."""
        return self.root / "published"

    @property
    def state(self) -> Path:
        """Working files that can be deleted at any time: Dagster's storage, dbt's target, the lock."""
        return self.root / ".impact"

    @property
    def spill(self) -> Path:
        """What a file's landing puts down meanwhile; emptied when the next begins."""
        return self.state / "landing"

    @property
    def publishing_spill(self) -> Path:
        """What a publication puts down while it is built."""
        return self.state / "publishing"

    @property
    def warehouse_spill(self) -> Path:
        """What DuckDB puts down beside the warehouse while dbt builds it."""
        return self.root / f"{self.warehouse.name}.tmp"

    @property
    def lock(self) -> Path:
        """Held by whoever writes landing, warehouse or publication."""
        return self.state / "run.lock"


#: Notes that a partnership may keep beside its data.
_NOTES = (".md", ".txt")


def entries(folder: Path) -> list[Path]:
    """What somebody put into a folder: neither notes nor what a program left there while it had a file open."""
    if not folder.is_dir():
        return []
    return sorted(
        path for path in folder.iterdir() if not path.name.startswith((".", "~$")) and path.suffix not in _NOTES
    )


def open_home(root: Path) -> Home:
    """The home in ``root``.

    Raises:
        HomeError: there is no ``impact.yml`` in it, or it cannot be used; says what to write.
    """
    root = root.expanduser().resolve()
    path = root / SETTINGS_FILE
    if not path.is_file():
        raise HomeError(
            f"{root} is not a home: it has no {SETTINGS_FILE}. Make one with `impact sample {root}`, or write "
            f"{path} with one line, the code of your authority: `authority: E08000005`."
        )
    try:
        settings = Settings.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except yaml.YAMLError as error:
        raise HomeError(f"{path} is not valid YAML: {error}") from error
    except ValidationError as error:
        problems = "; ".join(_in_words(problem["type"], problem["loc"], problem["msg"]) for problem in error.errors())
        raise HomeError(f"{path}: {problems}.") from error
    return Home(root=root, settings=settings)


def _in_words(kind: str, location: tuple[int | str, ...], message: str) -> str:
    """What pydantic found wrong, for someone who has never heard of it."""
    key = ".".join(str(part) for part in location)
    if kind == "extra_forbidden" and len(location) > 1:
        return f"`{key}` is not a setting"
    if kind == "extra_forbidden":
        return f"`{key}` is not a setting; there are {', '.join(f'`{field}`' for field in Settings.model_fields)}"
    if kind == "missing":
        return f"`{key}` is missing; write for instance `{key}: E08000005`"
    if kind == "string_pattern_mismatch" and key.startswith("retention."):
        return f"`{key}` is not a length of time, such as 6 years or 18 months"
    if kind == "string_pattern_mismatch":
        return f"`{key}` is not a code of nine characters, such as E08000005"
    return f"`{key}`: {message}" if key else message


def find_home(option: Path | None = None) -> Home:
    """The home named by ``--home``, else by ``IMPACT_HOME``, else the current folder.

    Raises:
        HomeError: none of the three is a home.
    """
    named = option or (Path(os.environ[HOME_VARIABLE]) if os.environ.get(HOME_VARIABLE) else None)
    if named is not None:
        return open_home(named)
    if (Path.cwd() / SETTINGS_FILE).is_file():
        return open_home(Path.cwd())
    raise HomeError(
        f"No home was named. Use --home DIR, set {HOME_VARIABLE}, or stand in a folder that has an {SETTINGS_FILE}; "
        "`impact sample DIR` makes one to try."
    )
