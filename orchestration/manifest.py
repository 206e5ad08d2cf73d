"""The dbt project, parsed once per machine and not once per run.

Parsing takes seconds and gives the same for every home, but for one thing: where the landing zone lies is part of each
source. So the project is parsed for a home that does not exist, and the place of the real one is put in when the
manifest is loaded. The parsed project lies in the cache, under a fingerprint of the project's files and of dbt itself;
a change of either makes a new one. Nothing is written to the project, which may be installed read-only.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import shutil
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from filelock import FileLock

from ingestion.cache import cache_folder
from ingestion.home import HOME_VARIABLE, Home

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

PROJECT = Path(__file__).resolve().parent.parent / "dbt_project"
#: Stands in the parsed project wherever the path of the home belongs.
NO_HOME = "/home-of-the-warehouse"
#: How many parsed projects stay in the cache: those of a few branches, not of a year.
KEPT = 5

_KEPT_FILES = ("manifest.json", "partial_parse.msgpack")
_DIGEST = "sha256.txt"
_SUFFIXES = {".sql", ".yml", ".yaml", ".csv", ".md", ".py"}
_NOT_THE_PROJECT = {"target", "logs", "dbt_packages", "__pycache__"}


class ProjectError(Exception):
    """dbt cannot read the project; the message is dbt's own."""


def manifest_path(project: Path = PROJECT) -> Path:
    """The ``manifest.json`` of the project as it stands, parsed first where that has not been done.

    Raises:
        ProjectError: dbt cannot parse the project.
    """
    return _prepared(project) / "manifest.json"


def load_manifest(home: Home, project: Path = PROJECT) -> Manifest:
    """The project as dbt holds it in memory, reading the landing zone of ``home``.

    Raises:
        ProjectError: dbt cannot parse the project.
    """
    packed = (_prepared(project) / "partial_parse.msgpack").read_bytes()
    from dbt.contracts.graph.manifest import Manifest

    manifest: Any = Manifest.from_msgpack(packed)
    place = in_external_location(home.root)
    for source in manifest.sources.values():
        for meta in (source.meta, source.config.meta):
            if "external_location" in meta:
                meta["external_location"] = meta["external_location"].replace(NO_HOME, place)
    manifest.build_flat_graph()
    return cast("Manifest", manifest)


def in_external_location(path: Path) -> str:
    """A path as it has to stand in a source's ``external_location``.

    There it is inside a DuckDB string, inside a pattern of file names, inside a Python format string; the sources of
    the project write it with the same three escapes.
    """
    text = str(path)
    for character, escaped in {"[": "[[]", "*": "[*]", "?": "[?]", "'": "''", "{": "{{", "}": "}}"}.items():
        text = text.replace(character, escaped)
    return text


def fingerprint(project: Path) -> str:
    """Tells one state of the project, and of the dbt that parses it, from another."""
    digest = hashlib.sha256()
    for package in ("dbt-core", "dbt-duckdb"):
        digest.update(f"{package} {importlib.metadata.version(package)}\n".encode())
    for path in sorted(project.rglob("*")):
        relative = path.relative_to(project)
        if path.suffix in _SUFFIXES and not _NOT_THE_PROJECT.intersection(relative.parts) and path.is_file():
            digest.update(f"{relative.as_posix()} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    # dbt keeps where it found the project, and does not trust a manifest of another place.
    digest.update(str(project).encode())
    return digest.hexdigest()[:16]


def _prepared(project: Path) -> Path:
    """The folder with the parsed project."""
    folder = cache_folder() / "dbt"
    wanted = folder / fingerprint(project)
    if _is_whole(wanted):
        return wanted
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "parsing.lock"):
        if not _is_whole(wanted):
            # dbt takes over what has not changed since, the path of the checkout with it: each place has its own.
            parsing = folder / f"parsing-{hashlib.sha256(str(project).encode()).hexdigest()[:16]}"
            _parse(project, parsing)
            _keep(parsing, wanted)
            _remove_old(folder)
    return wanted


def _parse(project: Path, target: Path) -> None:
    from dbt.cli.main import dbtRunner

    where = ["--target-path", str(target), "--log-path", str(target)]
    quiet = ["--log-level", "none", "--log-level-file", "none"]
    with _environment({HOME_VARIABLE: NO_HOME}), chdir(project):
        outcome = dbtRunner().invoke(
            ["parse", "--project-dir", str(project), "--profiles-dir", str(project), *where, *quiet]
        )
    if not outcome.success:
        raise ProjectError(f"dbt cannot parse {project}: {outcome.exception}")


def _keep(parsing: Path, wanted: Path) -> None:
    """Copy what is needed, whole or not at all; the rest stays, so that dbt parses only what changes next."""
    copied = wanted.with_suffix(".copying")
    shutil.rmtree(copied, ignore_errors=True)
    copied.mkdir()
    for name in _KEPT_FILES:
        shutil.copyfile(parsing / name, copied / name)
    (copied / _DIGEST).write_text(_digest(copied), encoding="ascii")
    shutil.rmtree(wanted, ignore_errors=True)
    copied.replace(wanted)


def _is_whole(wanted: Path) -> bool:
    """Whether the files are those that were put there: a cache that a power cut or a full disk cut short is none."""
    try:
        return (wanted / _DIGEST).read_text(encoding="ascii") == _digest(wanted)
    except (OSError, UnicodeDecodeError):
        return False


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for name in _KEPT_FILES:
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()


def _remove_old(folder: Path) -> None:
    everything = {path.parent for path in folder.glob("*/manifest.json")}
    parsing = {path for path in everything if path.name.startswith("parsing-")}
    for kind in (everything - parsing, parsing):
        for old in sorted(kind, key=_age)[KEPT:]:
            shutil.rmtree(old, ignore_errors=True)


def _age(folder: Path) -> float:
    return -(folder / "manifest.json").stat().st_mtime


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before: dict[str, Any] = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
