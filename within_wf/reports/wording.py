"""Numbers and verdicts in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

MODEL_TITLES = {"ad_score": "Ad score", "account_health": "Account health"}
BASELINE_TITLES = {
    "mean": "mean",
    "tfidf_ridge": "TF-IDF with ridge",
    "gradient_boosting": "gradient boosting",
    "robust_z": "robust z-score",
}
VERDICTS = {"above": "better than its baselines", "level": "level with its baselines", "below": "below a baseline"}
_DIGITS = 3


def decimals(*values: float | None) -> int:
    """Digits after the point that show three significant ones of the largest value, and no less than two."""
    largest = max((abs(value) for value in values if value is not None), default=0.0)
    if largest == 0:
        return _DIGITS
    return min(8, max(2 if largest < 1000 else 0, _DIGITS - 1 - math.floor(math.log10(largest)), 0))


def number(value: float | None, digits: int | None = None) -> str:
    """A number with a true minus and grouped thousands; a dash where there is none."""
    if value is None:
        return "–"
    text = f"{value:,.{decimals(value) if digits is None else digits}f}"
    return text.replace("-", "−")


def count(value: float | None) -> str:
    """A whole number with grouped thousands."""
    return "–" if value is None else f"{int(value):,}"


def share(part: float, whole: float) -> str:
    """A part of a whole in percent."""
    return "–" if not whole else f"{100 * part / whole:.1f} %"


def words(name: str) -> str:
    """A name of a file or column as people write it."""
    return name.replace("_", " ")


def called(baseline: str) -> str:
    """A baseline's name for people."""
    return BASELINE_TITLES.get(baseline, words(baseline))


def best_baseline(metrics: Mapping[str, Any]) -> str | None:
    """The baseline that is best on the primary metric; none where no baseline has a value."""
    primary = metrics["primary_metric"]
    sign = 1 if metrics["better"] == "lower" else -1
    known = [
        (sign * baseline["metrics"][primary], name)
        for name, baseline in metrics["baselines"].items()
        if baseline["metrics"].get(primary) is not None
    ]
    return min(known)[1] if known else None


def is_chance(primary: str, bounds: Sequence[float] | None) -> bool:
    """Whether a model is not shown to rank better than a coin does."""
    return primary == "auc" and bounds is not None and bounds[0] <= 0.5


def verdict_sentence(metrics: Mapping[str, Any]) -> str:
    """What the numbers say of the model, in one or two sentences."""
    primary = metrics["primary_metric"]
    is_level = is_chance(primary, metrics["intervals"].get(primary))
    chance = " It is not shown to be better than chance." if is_level else ""
    return f"{_beside_baselines(metrics)}{chance}"


def _beside_baselines(metrics: Mapping[str, Any]) -> str:
    named: dict[str, list[str]] = {"above": [], "level": [], "below": []}
    for name, baseline in sorted(metrics["baselines"].items()):
        if baseline["difference"]["value"] is not None:
            named[baseline["verdict"]].append(called(name))
    if not any(named.values()):
        return "There is no baseline to compare the model with, so nothing is said of its worth."
    if metrics["verdict"] == "above":
        every = "its baseline" if len(named["above"]) == 1 else "every baseline"
        return f"The model is better than {every} ({_join(named['above'])}), by more than chance explains."
    if metrics["verdict"] == "below":
        return f"The model is worse than {_join(named['below'])}, by more than chance explains: it should not take that place."
    rest = f"; it is better than {_join(named['above'])}" if named["above"] else ""
    return f"The model is not shown to be better or worse than {_join(named['level'])}{rest}."


def _join(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
