"""Every way of varying a dataset's ads, measured side by side."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from within_wf.augment.back_translation import BackTranslator, load_translator
from within_wf.augment.features import FeatureAugmenter
from within_wf.augment.synthetic_ads import AdSynthesizer
from within_wf.augment.text import METHODS, TextAugmenter
from within_wf.config.data import AugmentationConfig
from within_wf.config.dataset import AdTable, SampleWorldSource
from within_wf.config.load import experiment_path, load_run
from within_wf.config.models import AdScoreConfig
from within_wf.config.reproducibility import Arithmetic
from within_wf.config.run import RunConfig
from within_wf.data.layout import layout_of
from within_wf.data.load import kept_rows, load_dataset
from within_wf.data.sample_world.world import simulate
from within_wf.errors import EvaluationError, Problem
from within_wf.evaluation.augmentation import OTHERS, Comparison, LabelJudge, Quality, frechet_distance, measure
from within_wf.evaluation.picture_comparison import compare_pictures
from within_wf.evaluation.text_diversity import self_bleu
from within_wf.features.preprocessor import Preprocessor
from within_wf.features.texts import joined_text
from within_wf.models.text_encoder import load_text_encoder
from within_wf.runtime.streams import Stream, ids_of

Floats = npt.NDArray[np.float32]
Embed = Callable[[Sequence[str]], Floats]
LEAST = 20


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
        threads: Texts and pictures that are embedded at the same time; never changes a bit.
        overrides: ``path.to.key=value``, as ``--set`` takes them.
        say: Told what is being done.

    Raises:
        EvaluationError: The dataset has no ad score model, or too few ads.
    """
    run = load_run(experiment_path(dataset, configs), list(overrides))
    model, roles, arithmetic = run.models.ad_score, run.dataset.ads, run.reproducibility.arithmetic
    if model is None or roles is None:
        raise EvaluationError("there are no ads to vary", [Problem(dataset, "no ad score model", "a dataset of ads")])
    table, creatives = _ads(run, roles, configs)
    table = table.filter(pl.col(roles.target).is_not_null())
    if table.height < 4 * LEAST:
        raise EvaluationError("there are too few ads", [Problem(dataset, f"{table.height} ads", f"{4 * LEAST} or more")])
    size = min(rows, table.height // 4)
    drawn = _drawn(table, roles, model.data.augmentation.seed)
    measured, others, clean = (drawn[start:stop] for start, stop in ((0, size), (size, 2 * size), (2 * size, 4 * size)))
    found = []
    if roles.text:
        found.append(_texts(model, roles, arithmetic, measured, others, clean, copies, threads, say))
    if roles.image is not None:
        shown = [part.filter(pl.col(roles.image).is_in(list(creatives))) for part in (measured, others, clean)]
        if min(part.height for part in shown) < LEAST // 2:
            say(f"too few ads have a picture: {shown[0].height} of {measured.height} that are measured")
        else:
            found.append(compare_pictures(model, roles, arithmetic, (shown[0], shown[1], shown[2]), creatives, threads, say))
    if roles.numeric or roles.categorical:
        found.append(_numbers(model, roles, measured, others, clean))
    return found


def _ads(run: RunConfig, roles: AdTable, configs: Path) -> tuple[pl.DataFrame, dict[str, bytes]]:
    """The ads that keep their contract, and picture files by the names of creatives; files bring none of these."""
    source, name = run.dataset.source, run.dataset.name
    if not isinstance(source, SampleWorldSource):
        return load_dataset(name, "ad_performance", on_violation="quarantine", configs=configs), {}
    with tempfile.TemporaryDirectory() as folder:
        simulate(source.rows, source.seed, Path(folder))
        ads, creatives = (pl.read_parquet(Path(folder) / f"{file}.parquet", memory_map=False) for file in ("ads", "creatives"))
    return kept_rows(ads, layout_of(roles), name, "quarantine"), dict(creatives.select("creative_id", "png").iter_rows())


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
    drawn = preprocessor.transform(AdSynthesizer(roles, model.data.features).fit(measured).sample(ids, seed))
    found = (
        Quality(OTHERS, len(other_rows), frechet=frechet_distance(originals, other_rows)),
        measure("noise and dropout", originals, noisy, judge=judge, target=target),
        Quality("rows of a Gaussian copula", len(drawn), frechet=frechet_distance(originals, drawn)),
    )
    return Comparison("numbers", float(np.mean(judge.predict(originals) == judge.classes_of(target))), found)
