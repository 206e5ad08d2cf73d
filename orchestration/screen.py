"""How a run looks while it goes on: a moving display on a terminal, one plain line per event elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from orchestration.watching import Watcher

if TYPE_CHECKING:
    from ingestion.landing import FileReport

#: What each phase is called on the screen; the others pass too quickly to be named.
TITLES = {
    "start": "Starting",
    "landing": "Reading the inbox",
    "landing checks": "Checking what landed",
    "models": "Building the warehouse",
    "mart checks": "Checking the marts",
    "publication": "Publishing",
}


class Lines(Watcher):
    """One line as each phase begins."""

    def __init__(self, console: Console) -> None:
        """Print to ``console``."""
        self._console = console
        self._began = time.perf_counter()

    def __enter__(self) -> Self:
        """Nothing to prepare."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to put away."""

    def phase(self, name: str) -> None:
        """Say what begins, and how long the run has taken."""
        if name in TITLES:
            self._console.print(f"{time.perf_counter() - self._began:5.1f} s  {TITLES[name]}")

    def warned(self, text: str) -> None:
        """Say it at once."""
        self._console.print(f"WARNING  {text}", soft_wrap=True)


class Display(Watcher):
    """A line per phase, the current one with a spinner and, where it is known, how much is done."""

    def __init__(self, console: Console) -> None:
        """Show on ``console``, which is a terminal."""
        self._progress = Progress(
            SpinnerColumn(finished_text="✓"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[doing]}", style="dim"),
            console=console,
            # Drawing takes time from the run, which has two cores at most and one interpreter.
            refresh_per_second=4,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the last state on the screen."""
        self._finish()
        self._progress.stop()

    def phase(self, name: str) -> None:
        """Tick off the phase before and begin this one."""
        self._finish()
        if name in TITLES:
            self._task = self._progress.add_task(TITLES[name], total=None, doing="")

    def landed(self, report: FileReport) -> None:
        """One file more."""
        if self._task is not None:
            self._progress.update(self._task, advance=1, doing=report.file_name)

    def built(self, name: str, number: int, total: int) -> None:
        """One model, seed or test more."""
        if self._task is not None:
            self._progress.update(self._task, completed=number, total=total, doing=name)

    def warned(self, text: str) -> None:
        """Say it above what moves."""
        self._progress.console.print(f"WARNING  {text}", style="bold yellow", soft_wrap=True)

    def _finish(self) -> None:
        if self._task is not None:
            done = max(self._progress.tasks[self._task].completed, 1)
            self._progress.update(self._task, total=done, completed=done, doing="")
            self._task = None


def screen(console: Console) -> Lines | Display:
    """What suits the console."""
    return Display(console) if console.is_terminal else Lines(console)
