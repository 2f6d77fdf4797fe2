"""Every way of varying a dataset's ads, measured side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from within_wf.augment.back_translation import BackTranslator, load_translator
from within_wf.augment.copula import GaussianCopula
from within_wf.augment.features import FeatureAugmenter
from within_wf.augment.text import METHODS, TextAugmenter
from within_wf.config.data import AugmentationConfig
from within_wf.config.dataset import AdTable
from within_wf.config.load import experiment_path, load_run
from within_wf.config.models import AdScoreConfig
from within_wf.config.reproducibility import Arithmetic
from within_wf.data.load import load_dataset
from within_wf.errors import EvaluationError, Problem
from within_wf.evaluation.augmentation import LabelJudge, Quality, frechet_distance, measure
from within_wf.evaluation.text_diversity import self_bleu
from within_wf.features.preprocessor import Preprocessor
from within_wf.features.texts import joined_text
from within_wf.models.text_encoder import load_text_encoder
from within_wf.runtime.streams import Stream, ids_of

Floats = npt.NDArray[np.float32]
Embed = Callable[[Sequence[str]], Floats]
OTHERS = "other real rows"
LEAST = 20
_COLUMNS = ("changed", "distance", "self-BLEU", "Fréchet", "label preserved", "label right")


@dataclass(frozen=True)
class Comparison:
    """What was measured of the texts, or of the numbers, of a dataset.

    Attributes:
        kind: ``texts`` or ``numbers``.
        accuracy: Share of the originals that the classifier sees in the class of their label.
        qualities: A method each; the first is what real rows that are no copies give.
    """

    kind: str
    accuracy: float
    qualities: tuple[Quality, ...]

    def to_json(self) -> dict[str, object]:
        """For a file."""
        methods = [quality.to_json() for quality in self.qualities]
        return {"kind": self.kind, "accuracy": float(f"{self.accuracy:.6g}"), "methods": methods}

    def lines(self) -> list[str]:
        """A table in Markdown."""
        lines = [f"Of {self.kind}; of the originals, {self.accuracy:.1%} are seen in the class of their label.", ""]
        lines += [f"| method | rows | {' | '.join(_COLUMNS)} |", "|---|" + "---:|" * (1 + len(_COLUMNS))]
        for found in self.qualities:
            shares = [_percent(found.changed), _number(found.distance), _number(found.self_bleu), _number(found.frechet)]
            cells = [f"{found.rows:,}", *shares, _percent(found.preserved), _percent(found.accuracy)]
            lines.append(f"| {found.method} | {' | '.join(cells)} |")
        return lines


def compare_augmentations(
    dataset: str,
    rows: int = 500,
    copies: int = 3,
    *,
    configs: Path = Path("configs"),
    threads: int = 1,
    overrides: Sequence[str] = (),
    say: Callable[[str], None] = lambda _: None,
) -> list[Comparison]:
    """Measure each method on ads of a dataset.

    Which ads are measured depends on their ids alone. A classifier is trained on twice as many others; its classes are thirds
    of the target.

    Args:
        dataset: A dataset of ``configs/experiment`` with an ad score model.
        rows: Ads that are varied; fewer where there are fewer than four times as many.
        copies: Varied copies of each for self-BLEU; the other measures are of the first.
        configs: The folder of configurations.
        threads: Texts that are embedded at the same time; never changes a bit.
        overrides: ``path.to.key=value``, as ``--set`` takes them.
        say: Told what is being done.

    Raises:
        EvaluationError: The dataset has no ad score model, or too few ads.
    """
    run = load_run(experiment_path(dataset, configs), list(overrides))
    model, roles, arithmetic = run.models.ad_score, run.dataset.ads, run.reproducibility.arithmetic
    if model is None or roles is None:
        raise EvaluationError("there are no ads to vary", [Problem(dataset, "no ad score model", "a dataset of ads")])
    table = load_dataset(run.dataset.name, "ad_performance", on_violation="quarantine", configs=configs)
    table = table.filter(pl.col(roles.target).is_not_null())
    if table.height < 4 * LEAST:
        raise EvaluationError("there are too few ads", [Problem(dataset, f"{table.height} ads", f"{4 * LEAST} or more")])
    size = min(rows, table.height // 4)
    drawn = _drawn(table, roles, model.data.augmentation.seed)
    measured, others, clean = (drawn[start:stop] for start, stop in ((0, size), (size, 2 * size), (2 * size, 4 * size)))
    found = []
    if roles.text:
        found.append(_texts(model, roles, arithmetic, measured, others, clean, copies, threads, say))
    if roles.numeric or roles.categorical:
        found.append(_numbers(model, roles, measured, others, clean))
    return found


def _drawn(table: pl.DataFrame, roles: AdTable, seed: int) -> pl.DataFrame:
    """The rows in an order that their ids draw."""
    names = table[roles.id].cast(pl.String)
    draws = Stream(seed, "which rows are measured").words(ids_of(names.to_list()), 1)[:, 0]
    return (
        table.with_columns(pl.Series("__draw", draws), names.alias("__name")).sort("__draw", "__name").drop("__draw", "__name")
    )


def _texts(
    model: AdScoreConfig,
    roles: AdTable,
    arithmetic: Arithmetic,
    measured: pl.DataFrame,
    others: pl.DataFrame,
    clean: pl.DataFrame,
    copies: int,
    threads: int,
    say: Callable[[str], None],
) -> Comparison:
    encoder = load_text_encoder(model.model.text_encoder.name, arithmetic)

    def embed(texts: Sequence[str]) -> Floats:
        return encoder.embed(texts, model.model.text_encoder.max_length, threads=threads)

    texts, other_texts, clean_texts = (joined_text(part, roles.text).to_list() for part in (measured, others, clean))
    say(f"embedding {len(texts) + len(other_texts) + len(clean_texts):,} texts")
    originals = embed(texts)
    judge = LabelJudge(embed(clean_texts), clean[roles.target].to_numpy())
    target = measured[roles.target].to_numpy()
    found = [Quality(OTHERS, len(other_texts), frechet=frechet_distance(originals, embed(other_texts)))]
    ids = ids_of(measured[roles.id].cast(pl.String).to_list())
    for name, augmenter in _augmenters(model.data.augmentation, arithmetic, threads):
        say(f"varying texts: {name}")
        made = [augmenter.vary(texts, ids, copy) for copy in range(1, copies + 1)]
        bleu = self_bleu(list(zip(texts, *made, strict=True)))
        found.append(measure(name, originals, embed(made[0]), judge=judge, target=target, bleu=bleu))
    return Comparison("texts", float(np.mean(judge.predict(originals) == judge.classes_of(target))), tuple(found))


def _augmenters(config: AugmentationConfig, arithmetic: Arithmetic, threads: int) -> Iterator[tuple[str, TextAugmenter]]:
    text = config.text
    for name in METHODS:
        yield name, TextAugmenter([name], 1.0, word_share=text.word_share, seed=config.seed, protected=text.protected)
    yield (
        "one of the four, drawn",
        TextAugmenter(None, 1.0, word_share=text.word_share, seed=config.seed, protected=text.protected),
    )
    if text.back_translation.there and text.back_translation.back:
        there, back = (
            load_translator(name, arithmetic, threads) for name in (text.back_translation.there, text.back_translation.back)
        )
        translator = BackTranslator(there, back, text.protected)
        yield "back_translation", TextAugmenter(["back_translation"], 1.0, seed=config.seed, back_translation=translator)


def _numbers(
    model: AdScoreConfig, roles: AdTable, measured: pl.DataFrame, others: pl.DataFrame, clean: pl.DataFrame
) -> Comparison:
    preprocessor = Preprocessor(roles.numeric, roles.categorical, model.data.features).fit(clean)
    originals, other_rows, rows = (preprocessor.transform(part) for part in (measured, others, clean))
    judge, target = LabelJudge(rows, clean[roles.target].to_numpy()), measured[roles.target].to_numpy()
    ids = ids_of(measured[roles.id].cast(pl.String).to_list())
    seed = model.data.augmentation.seed
    noisy = FeatureAugmenter(model.data.augmentation.features, seed).fit(rows).augment(originals, ids)
    drawn = GaussianCopula().fit(originals).sample(ids, seed)
    found = (
        Quality(OTHERS, len(other_rows), frechet=frechet_distance(originals, other_rows)),
        measure("noise and dropout", originals, noisy, judge=judge, target=target),
        Quality("rows of a Gaussian copula", len(drawn), frechet=frechet_distance(originals, drawn)),
    )
    return Comparison("numbers", float(np.mean(judge.predict(originals) == judge.classes_of(target))), found)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
