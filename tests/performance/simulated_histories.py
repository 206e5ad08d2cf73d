"""How often each rule calls a history improving or worsening: where nothing changed, and where something did.

Ten thousand histories per line, drawn from the models that the rules assume and judged by the same functions as real
ones. Run as ``python -m tests.performance.simulated_histories``; prints the table of docs/statistics.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import factorial

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm, poisson
from scipy.stats.distributions import rv_frozen

from dbt_project.python.differences import difference_of_means, difference_of_proportions, difference_of_rates
from dbt_project.python.intervals import byar_interval, student_interval
from dbt_project.python.trend import trend_of_proportions, trend_of_values
from dbt_project.python.verdicts import IMPROVING, WORSENING, judge_direction
from dbt_project.python.xmr import xmr_chart

HISTORIES = 10_000
SEED = 20261122

# Newcombe's and the rates' intervals hold 95 per cent: 2.5 per cent are left on either side.
WAVE_IMPLIES = (2.5, 2.5)
# Chi-square is above its critical value in 0.2 per cent, half of it either way; the five slopes only take away.
TREND_IMPLIES = (0.1, 0.1)


def xmr_implies(process: rv_frozen) -> tuple[float, float]:
    """Per cent of charts of a known process without a change whose last point signals downwards, and upwards.

    The rules' rates are added up: beyond the limit, two of three in the outer third, seven on one side, seven that all
    fall (or rise). Where the mean is a whole number of events, a point on it counts to either side, because a mean
    worked out from the data lies beside it.
    """
    mean, deviation = process.mean(), process.std()

    def one_way(beyond: float, near: float, side: float) -> float:
        return float(100 * (beyond + near * (1 - (1 - near) ** 2) + side**7 + 1 / factorial(7)))

    below = [process.cdf(np.nextafter(mean - sigmas * deviation, -np.inf)) for sigmas in (3, 2)]
    above = [process.sf(mean + sigmas * deviation) for sigmas in (3, 2)]
    return one_way(*below, process.cdf(mean)), one_way(*above, process.sf(np.nextafter(mean, -np.inf)))


@dataclass(frozen=True)
class Scenario:
    """One kind of history: the rule that judges it, what happens in it, what the rule implies, how to draw it.

    ``implied`` is the per cent of histories that the rule allows to be called improving, and worsening, where nothing
    changed; None where something did.
    """

    rule: str
    history: str
    implied: tuple[float, float] | None
    directions: Callable[[np.random.Generator], ArrayLike]


@dataclass(frozen=True)
class Outcome:
    """What became of the histories of a scenario, in per cent of them."""

    scenario: Scenario
    improving_percent: float
    worsening_percent: float


def _waves(first: float, second: float, respondents: int) -> Callable[[np.random.Generator], ArrayLike]:
    def draw(random: np.random.Generator) -> ArrayLike:
        asked = np.full(HISTORIES, respondents)
        change = difference_of_proportions(
            random.binomial(asked, first), asked, random.binomial(asked, second), asked, confidence=0.95
        )
        return change.direction

    return draw


def _periods(first: float, second: float) -> Callable[[np.random.Generator], ArrayLike]:
    def draw(random: np.random.Generator) -> ArrayLike:
        days = np.full(HISTORIES, 365)
        return difference_of_rates(
            random.poisson(first, HISTORIES), days, random.poisson(second, HISTORIES), days, confidence=0.95
        ).direction

    return draw


def _means(
    random: np.random.Generator, average: ArrayLike, people: int, columns: int
) -> tuple[ArrayLike, ArrayLike, ArrayLike]:
    """Means of scores that scatter by 6, as the strengths and difficulties of children do, with their intervals."""
    scores = random.normal(np.asarray(average)[..., None], 6.0, (HISTORIES, columns, people))
    total = scores.sum(axis=2)
    return (total / people, *student_interval(total, (scores**2).sum(axis=2), np.full(total.shape, people)))


def _two_means(first: float, second: float, people: int) -> Callable[[np.random.Generator], ArrayLike]:
    def draw(random: np.random.Generator) -> ArrayLike:
        _, lower, upper = (np.asarray(column) for column in _means(random, [first, second], people, 2))
        count = np.full(HISTORIES, people)
        return difference_of_means(lower[:, 0], upper[:, 0], count, lower[:, 1], upper[:, 1], count).direction

    return draw


def _years_of_means(averages: list[float], people: int) -> Callable[[np.random.Generator], ArrayLike]:
    def draw(random: np.random.Generator) -> ArrayLike:
        return trend_of_values(*_means(random, averages, people, 5)).direction

    return draw


def _years_of_proportions(shares: list[float], people: int) -> Callable[[np.random.Generator], ArrayLike]:
    def draw(random: np.random.Generator) -> ArrayLike:
        at_risk = np.full((HISTORIES, 5), people)
        return trend_of_proportions(random.binomial(at_risk, shares), at_risk).direction

    return draw


def _years_of_rates(events: list[float]) -> Callable[[np.random.Generator], ArrayLike]:
    def draw(random: np.random.Generator) -> ArrayLike:
        counts = random.poisson(events, (HISTORIES, 5))
        lower, upper = byar_interval(counts)
        return trend_of_values(counts, lower, upper).direction

    return draw


def _charts(points: int, shift: float = 0.0, shifted_points: int = 0) -> Callable[[np.random.Generator], ArrayLike]:
    def draw(random: np.random.Generator) -> ArrayLike:
        values = random.normal(0.0, 1.0, (HISTORIES, points + shifted_points))
        values[:, points:] += shift
        # Limits rest on what came before the change, as they do where a baseline is recorded.
        is_baseline = np.broadcast_to(np.arange(points + shifted_points) < points, values.shape)
        return xmr_chart(values, is_baseline).latest_direction

    return draw


def _charts_with_gaps(points: int, withheld: float) -> Callable[[np.random.Generator], ArrayLike]:
    def draw(random: np.random.Generator) -> ArrayLike:
        values = random.normal(0.0, 1.0, (HISTORIES, points))
        # Whatever the last point is, it is shown; where it is not, nothing is said.
        values[:, :-1][random.random((HISTORIES, points - 1)) < withheld] = np.nan
        return xmr_chart(values).latest_direction

    return draw


def _charts_of_counts(points: int, expected: float) -> Callable[[np.random.Generator], ArrayLike]:
    def draw(random: np.random.Generator) -> ArrayLike:
        return xmr_chart(random.poisson(expected, (HISTORIES, points))).latest_direction

    return draw


def _falling(start: float, yearly: float) -> list[float]:
    return [start * yearly**year for year in range(5)]


SCENARIOS = (
    Scenario("waves", "50 % of 30 in both waves", WAVE_IMPLIES, _waves(0.5, 0.5, 30)),
    Scenario("waves", "50 % of 200 in both waves", WAVE_IMPLIES, _waves(0.5, 0.5, 200)),
    Scenario("waves", "90 % of 30 in both waves", WAVE_IMPLIES, _waves(0.9, 0.9, 30)),
    Scenario("waves", "90 % of 200 in both waves", WAVE_IMPLIES, _waves(0.9, 0.9, 200)),
    Scenario("means", "30 scores around 14 in both years", WAVE_IMPLIES, _two_means(14, 14, 30)),
    Scenario("means", "130 scores around 14 in both years", WAVE_IMPLIES, _two_means(14, 14, 130)),
    Scenario("two periods", "12 events expected in both", WAVE_IMPLIES, _periods(12, 12)),
    Scenario("two periods", "100 events expected in both", WAVE_IMPLIES, _periods(100, 100)),
    Scenario("trend", "10 % of 1,000 in all five years", TREND_IMPLIES, _years_of_proportions([0.1] * 5, 1000)),
    Scenario("trend", "50 % of 100 in all five years", TREND_IMPLIES, _years_of_proportions([0.5] * 5, 100)),
    Scenario("trend", "30 events expected in all five years", TREND_IMPLIES, _years_of_rates([30] * 5)),
    Scenario("trend", "1,500 events expected in all five years", TREND_IMPLIES, _years_of_rates([1500] * 5)),
    Scenario("trend", "mean of 60 scores around 14 in all five years", TREND_IMPLIES, _years_of_means([14.0] * 5, 60)),
    Scenario("XmR", "9 points of one normal process", xmr_implies(norm()), _charts(9)),
    Scenario("XmR", "12 points of one normal process", xmr_implies(norm()), _charts(12)),
    Scenario("XmR", "24 points of one normal process", xmr_implies(norm()), _charts(24)),
    Scenario("XmR", "60 points of one normal process", xmr_implies(norm()), _charts(60)),
    Scenario("XmR", "24 points, one in five withheld", xmr_implies(norm()), _charts_with_gaps(24, 0.2)),
    Scenario("XmR", "24 points, 30 events expected in each", xmr_implies(poisson(30)), _charts_of_counts(24, 30)),
    Scenario("XmR", "24 points, 4 events expected in each", xmr_implies(poisson(4)), _charts_of_counts(24, 4)),
    Scenario("waves", "50 % to 60 % of 100", None, _waves(0.5, 0.6, 100)),
    Scenario("waves", "50 % to 60 % of 400", None, _waves(0.5, 0.6, 400)),
    Scenario("waves", "50 % to 70 % of 100", None, _waves(0.5, 0.7, 100)),
    Scenario("means", "from 14 to 12, 30 scores in each year", None, _two_means(14, 12, 30)),
    Scenario("means", "from 14 to 12, 130 scores in each year", None, _two_means(14, 12, 130)),
    Scenario("two periods", "100 to 70 events", None, _periods(100, 70)),
    Scenario("two periods", "100 to 50 events", None, _periods(100, 50)),
    Scenario(
        "trend", "from 20 % of 1,000, a tenth less each year", None, _years_of_proportions(_falling(0.2, 0.9), 1000)
    ),
    Scenario("trend", "from 100 events, a tenth less each year", None, _years_of_rates(_falling(100, 0.9))),
    Scenario("trend", "from 100 events, a fifth less each year", None, _years_of_rates(_falling(100, 0.8))),
    Scenario("trend", "from 1,500 events, a twentieth less each year", None, _years_of_rates(_falling(1500, 0.95))),
    Scenario("trend", "mean of 60 scores from 16, one less each year", None, _years_of_means([16, 15, 14, 13, 12], 60)),
    Scenario("XmR", "24 points, then one 2 standard deviations down", None, _charts(24, -2, 1)),
    Scenario("XmR", "24 points, then one 4 standard deviations down", None, _charts(24, -4, 1)),
    Scenario("XmR", "24 points, then three 2 standard deviations down", None, _charts(24, -2, 3)),
    Scenario("XmR", "24 points, then seven 1 standard deviation down", None, _charts(24, -1, 7)),
    Scenario("XmR", "24 points, then seven 2 standard deviations down", None, _charts(24, -2, 7)),
)


def outcomes() -> Iterator[Outcome]:
    """Draws and judges every scenario's histories, each from a stream of its own, so that a line stands by itself."""
    for number, scenario in enumerate(SCENARIOS):
        # Surveys ask for what is good; the other histories are of harm.
        polarity = "higher_is_better" if scenario.rule == "waves" else "lower_is_better"
        verdicts = judge_direction(scenario.directions(np.random.default_rng([SEED, number])), polarity)
        yield Outcome(
            scenario, 100 * float(np.mean(verdicts == IMPROVING)), 100 * float(np.mean(verdicts == WORSENING))
        )


def table() -> str:
    """The outcomes as the table of docs/statistics.md."""
    lines = ["| rule | history | called improving (implied) | called worsening (implied) |", "|---|---|--:|--:|"]
    for outcome in outcomes():
        implied = outcome.scenario.implied
        allowed = [""] * 2 if implied is None else [f" ({rate:.2f} %)" for rate in implied]
        lines.append(
            f"| {outcome.scenario.rule} | {outcome.scenario.history} "
            f"| {outcome.improving_percent:.2f} %{allowed[0]} | {outcome.worsening_percent:.2f} %{allowed[1]} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
