"""Data docs: the suites and what they last found, as pages that a person opens in a browser.

Great Expectations renders what it found; its own page around that loads styles, fonts and scripts from five places on
the network, so the page here is one of our own, with a style of its own and nothing to load. A page holds sentences and
counts: no row, and nothing that stands in one. They lie in ``checks/data_docs`` of the home, for its owner alone.

Importing this module imports Great Expectations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from html import escape
from typing import Any

from great_expectations.core.expectation_validation_result import ExpectationValidationResult
from great_expectations.render.renderer.column_section_renderer import ValidationResultsColumnSectionRenderer
from great_expectations.render.view.view import DefaultJinjaSectionView

from expectations.results import Stage
from ingestion.home import Home
from ingestion.writing import whole_file

STAGES: dict[Stage, str] = {
    "landed": "Landed batches, before the warehouse is built from them",
    "marts": "Marts, before they are published",
}
#: Heading → where the expectation keeps it; Great Expectations shows them in the order of their headings.
_COLUMNS = {"Owner": "owner", "Severity": "severity", "What to do": "remedy", "Why": "reason"}

_LEGEND = "<p>The observed value is how many rows, groups or files are not as expected.</p>"
_STYLE = """
body { font: 16px/1.5 sans-serif; color: #1d2733; margin: 2rem auto; max-width: 82rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h5 { display: none; } i { font-style: normal; } a { color: #0b5394; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .45rem .6rem; }
th { border-bottom: 2px solid #5b6b7b; } td { border-bottom: 1px solid #d5dce3; }
td:first-child { white-space: nowrap; font-weight: bold; }
.text-success::before { content: "passed"; color: #1b6e3c; } .text-danger::before { content: "failed"; color: #b3261e; }
.text-warning::before { content: "could not be run"; color: #b3261e; }
"""


def write(home: Home, stage: Stage, found: Mapping[str, Sequence[ExpectationValidationResult]]) -> None:
    """Write the pages of one stage in place of those before, each whole or not at all.

    Args:
        home: the caller holds its lock.
        stage: which gate.
        found: suite (a dataset or a mart) → what Great Expectations found about it, one result per check.
    """
    folder = home.checks / "data_docs"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    pages = {
        f"{stage}-{suite}.html": _page(f"{stage}: {suite}", _rendered(results)) for suite, results in found.items()
    }
    pages[f"{stage}.html"] = _page(STAGES[stage], _overview(stage, found))
    pages["index.html"] = _page(
        "What the checks expect, and what they last found",
        "".join(f'<p><a href="{name}.html">{escape(title)}</a></p>' for name, title in STAGES.items()),
    )
    for name, html in pages.items():
        with whole_file(folder / name) as temporary:
            temporary.write_text(html, encoding="utf-8")
            temporary.chmod(0o600)
    for old in folder.glob(f"{stage}-*.html"):
        if old.name not in pages:
            old.unlink()


def _rendered(results: Sequence[ExpectationValidationResult]) -> str:
    for result in results:
        assert result.expectation_config is not None
        result.expectation_config.kwargs["meta_properties_to_render"] = _COLUMNS
    # Neither is typed.
    renderer: Any = ValidationResultsColumnSectionRenderer()
    section = renderer.render(validation_results=list(results))
    return _LEGEND + str(_view().render({"section": section.to_json_dict(), "section_loop": {"index": 1}}))


@cache
def _view() -> Any:
    """What makes HTML of a section; one for all pages, because each that is made compiles its templates anew."""
    return DefaultJinjaSectionView()


def _overview(stage: Stage, found: Mapping[str, Sequence[ExpectationValidationResult]]) -> str:
    rows = []
    checks = [result for results in found.values() for result in results]
    passed = sum(bool(result.success) for result in checks)
    said = f"<p>{passed:,} of {len(checks):,} checks passed on {datetime.now(UTC):%d %B %Y at %H:%M} UTC.</p>"
    for suite, results in sorted(found.items()):
        failed = [result for result in results if not result.success]
        errors = sum(_severity(result) == "error" for result in failed)
        link = f'<a href="{stage}-{suite}.html">{escape(suite)}</a>'
        rows.append(f"<tr><td>{link}</td><td>{len(results)}</td><td>{errors}</td><td>{len(failed) - errors}</td></tr>")
    heads = "".join(f"<th>{head}</th>" for head in ("Suite", "Checks", "Errors", "Warnings"))
    return f"{said}<table><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _severity(result: ExpectationValidationResult) -> str:
    configuration = result.expectation_config
    return str(configuration.meta["attributes"]["severity"]) if configuration and configuration.meta else ""


def _page(title: str, body: str) -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<style>{_STYLE}</style></head>\n<body><p><a href="index.html">All checks</a></p><h1>{escape(title)}</h1>\n'
        f"{body}</body></html>\n"
    )
