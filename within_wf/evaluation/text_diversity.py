"""How much texts that belong together repeat each other."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from within_wf.errors import EvaluationError, Problem

_TOKEN = re.compile(r"\w+(?:['’]\w+)?|[^\w\s]")
_NEARLY_NONE = 0.1
"""What counts for n-grams that nobody else has: the first smoothing of Chen and Cherry (WMT 2014)."""


def self_bleu(groups: Sequence[Sequence[str]], order: int = 4) -> float:
    """The mean BLEU of each text with the others of its group as references (Zhu et al., Texygen, SIGIR 2018).

    1 where all texts of a group are alike, near 0 where they have no words in common: low is diverse.

    Args:
        groups: Texts that are compared with each other: an original and its varied copies, or one group of all texts. A group
            of one says nothing and is left out.
        order: The longest n-gram, from 1.

    Raises:
        EvaluationError: The order is below 1, or no group has two texts.
    """
    problems = [] if order >= 1 else [Problem("order", str(order), "1 or more")]
    if not any(len(group) > 1 for group in groups):
        problems.append(Problem("groups", "no two texts that belong together", "at least one group of two texts"))
    if problems:
        raise EvaluationError("self-BLEU cannot be measured", problems)
    scores = [score for group in groups if len(group) > 1 for score in _scores([_tokens(text) for text in group], order)]
    return math.fsum(scores) / len(scores)


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(text.lower())


def _scores(texts: list[list[str]], order: int) -> list[float]:
    """BLEU of each text (Papineni et al., ACL 2002) with the others as references."""
    counts = [
        [Counter(zip(*(text[start:] for start in range(n)), strict=False)) for text in texts] for n in range(1, order + 1)
    ]
    most = [_two_most(of_order) for of_order in counts]
    lengths = Counter(map(len, texts))
    scores = []
    for number, text in enumerate(texts):
        logs = []
        for n in range(order):
            own = counts[n][number]
            matched = sum(min(count, _elsewhere(most[n][gram], count)) for gram, count in own.items())
            if n == 0 and not matched:
                logs = [-math.inf]
                break
            logs.append(math.log((matched or _NEARLY_NONE) / max(1, own.total())))
        length = len(text)
        nearest = min(
            (size for size in lengths if lengths[size] > (size == length)), key=lambda size: (abs(size - length), size)
        )
        penalty = 1.0 if length > nearest else math.exp(1 - nearest / length) if length else 0.0
        scores.append(penalty * math.exp(math.fsum(logs) / order) if length else 0.0)
    return scores


def _two_most(counts: list[Counter[tuple[str, ...]]]) -> dict[tuple[str, ...], tuple[int, int]]:
    """How often the text that has an n-gram most often has it, and the next one."""
    most: dict[tuple[str, ...], tuple[int, int]] = {}
    for own in counts:
        for gram, count in own.items():
            first, second = most.get(gram, (0, 0))
            most[gram] = (count, first) if count > first else (first, max(second, count))
    return most


def _elsewhere(most: tuple[int, int], own: int) -> int:
    """The highest count in the other texts: the second where the highest is one's own."""
    first, second = most
    return second if own == first else first
