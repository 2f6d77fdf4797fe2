"""What each augmentation does to the validation score of a model.

    python benchmarks/augmentation_ablation.py [--seeds N] [--set KEY=VALUE] [--only WORD] [DATASET[.MODEL] …]

MODEL is ad_score or account_health. The steps of the workflow run as the configuration says, but for the augmentation, once for
each seed of training and draws; what is before them runs once. A difference is that to the same seed without augmentation.
Back-translation is measured where Apertium has eng-spa and spa-eng, synthetic ads where the table is all a model reads. The
network is the part of the ad score model that learns from varied copies and synthetic ads; the Gaussian process does not. Of
the account health model the LSTM learns from both, the trees from synthetic windows.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib
import io
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from common.measure import write_down
from sklearn.metrics import average_precision_score

from within_wf.models.text_encoder import load_text_encoder
from within_wf.steps import embed_text
from within_wf.steps.context import StepContext
from within_wf.steps.plan import nodes_above
from within_wf.steps.raw_files import RawFiles
from within_wf.steps.workflow import open_workflow
from within_wf.training import ad_score

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
OFF = {"text_augmentation": "false", "visual_augmentation": "false", "feature_augmentation": "false"}
WORDS = ("synonym_replacement", "random_insertion", "random_deletion", "word_swap")
BACK = "{there: 'apertium:eng-spa', back: 'apertium:spa-eng'}"
ADS, ACCOUNTS = "ad_score", "account_health"
MEASURES = {
    ADS: ("RMSE, validation", "its network", "RMSE, test"),
    ACCOUNTS: ("average precision, validation", "its LSTM", "its trees", "average precision, test"),
}
"""What is measured of a model; of ads less is better, of accounts more."""


def variants(dataset, model):
    """Name to settings of the augmentation."""
    yield "none", {}
    if model == ACCOUNTS:
        yield "numbers", {"feature_augmentation": "true"}
        for method in ("smote", "copula"):
            for balance in (0.25, 1.0):
                yield f"{method}, to {balance:.0%} of the other", {"synthetic": f"{{method: {method}, balance: {balance}}}"}
        return
    if dataset != "facebook_campaigns":
        for method in WORDS:
            yield method, {"text_augmentation": "true", "text.methods": f"[{method}]"}
        yield "the four together", {"text_augmentation": "true"}
        modes = Path("/usr/share/apertium/modes")
        if shutil.which("apertium") and (modes / "eng-spa.mode").exists() and (modes / "spa-eng.mode").exists():
            yield (
                "back_translation",
                {"text_augmentation": "true", "text": f"{{methods: [back_translation], back_translation: {BACK}}}"},
            )
    if dataset == "sample_world":
        yield "pictures", {"visual_augmentation": "true"}
    if dataset != "upworthy":
        yield "numbers", {"feature_augmentation": "true"}
    if dataset == "facebook_campaigns":
        for share in (0.3, 1.0):
            yield f"copula, {share:.0%} more ads", {"synthetic": f"{{method: copula, share: {share}}}"}


class Remembering:
    """A text encoder that reads each text once in all runs: a vector depends on nothing but its text."""

    known: dict[str, np.ndarray] = {}

    def __init__(self, name, arithmetic):
        self.encoder = load_text_encoder(name, arithmetic)

    def embed(self, texts, max_length, *, threads=1, advance=lambda _: None):
        """As the encoder's own."""
        new = sorted(set(texts) - self.known.keys())
        self.known.update(zip(new, self.encoder.embed(new, max_length, threads=threads), strict=True))
        return np.stack([self.known[text] for text in texts]) if texts else np.zeros((0, self.encoder.width), np.float32)


def fitted_once():
    """Let the Gaussian process be fitted once for each seed: it sees no varied copies."""
    fit, known = ad_score.fit_additive_kernel, {}

    def remembering(train, validation, seed):
        digest = hashlib.sha256()
        for rows in (train, validation):
            for values in (rows.target, rows.weight, *(rows.points[name] for name in sorted(rows.points))):
                digest.update(np.ascontiguousarray(values).tobytes())
        key = digest.hexdigest(), seed
        if key not in known:
            known[key] = fit(train, validation, seed)
        return known[key]

    ad_score.fit_additive_kernel = remembering


def made(plan, node, folder):
    """The artifact of a node, made where it is not there yet."""
    for above in nodes_above(plan, node):
        output = folder / above.key
        if not output.exists():
            part = folder / f"{above.key}.part"
            part.mkdir()
            raw = RawFiles(None, folder / "raw.json")
            context = StepContext(
                {label: folder / plan[name].key for label, name in above.inputs.items()},
                part,
                above.parts["config"],
                above.model,
                {name: raw.local(place, above.parts["raw"][name]) for name, place in above.sources.items()},
                2,
            )
            with contextlib.redirect_stderr(io.StringIO()):
                importlib.import_module(f"within_wf.steps.{above.step}").run(context)
            part.rename(output)
    return folder / node.key


def scores(dataset, model, settings, folder):
    """What ``MEASURES`` names, of one training."""
    plan = open_workflow({"dataset": dataset, "set": settings}, CONFIGS).plan
    trained = plan[f"train_{model}/{dataset}.{model}"]
    found = pl.read_parquet(made(plan, trained, folder) / "predictions.parquet")
    features = folder / plan[trained.inputs["features"]].key
    shutil.rmtree(folder / trained.key)
    if model == ACCOUNTS:
        both = found.join(pl.read_parquet(features / "index.parquet"), on=["series", "time", "split"])
        of = {split: both.filter(split=split) for split in ("validation", "test")}
        columns = [("validation", "prediction"), ("validation", "lstm"), ("validation", "trees"), ("test", "prediction")]
        return tuple(float(average_precision_score(of[split]["label"], of[split][column])) for split, column in columns)
    table = pl.read_parquet(features / "table.parquet")
    both = found.join(table.select("id", "target", "weight"), on="id")

    def rmse(split, column):
        rows = both.filter(split=split)
        return float(np.sqrt(np.average((rows[column] - rows["target"]).to_numpy() ** 2, weights=rows["weight"].to_numpy())))

    return rmse("validation", "prediction"), rmse("validation", "network"), rmse("test", "prediction")


def measured(dataset, model, seeds, given, only, folder):
    """A table of one dataset and model."""
    found, other = {}, ADS if model == ACCOUNTS else ACCOUNTS
    for name, settings in variants(dataset, model):
        if name != "none" and only and only not in name:
            continue
        for seed in range(seeds):
            began = time.perf_counter()
            sets = {**OFF, **settings, "seed": str(seed)}
            lines = [f"{model}.data.augmentation.{key}={value}" for key, value in sets.items()]
            lines += [f"{model}.training.seed={seed}", "tracking.enabled=false", f"models.{other}=null", *given]
            found.setdefault(name, []).append(scores(dataset, model, lines, folder))
            print(dataset, name, seed, found[name][-1], f"{time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    names = MEASURES[model]
    lines = [f"## {dataset}, {model}", "", f"| augmentation | {' | difference | '.join(names)} | difference |"]
    lines += ["|---|" + "---:|" * (2 * len(names))]
    for name, rows in found.items():
        cells = []
        for at in range(len(names)):
            digits = 6 if found["none"][0][at] < 0.1 else 4
            cells.append(f"{statistics.fmean(row[at] for row in rows):.{digits}f}")
            differences = [row[at] - none[at] for row, none in zip(rows, found["none"], strict=True)]
            spread = f" ± {statistics.stdev(differences) / len(rows) ** 0.5:.{digits}f}" if len(rows) > 1 else ""
            cells.append("" if name == "none" else f"{statistics.fmean(differences):+.{digits}f}{spread}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return [*lines, ""]


def main() -> int:
    """Measure, print and write down."""
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "datasets", nargs="*", default=["sample_world", "upworthy", "facebook_campaigns", "sample_world.account_health"]
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--only", default="", help="measure only variants whose name holds this")
    parser.add_argument("--note", default="", help="what to say of the data")
    options = parser.parse_args()
    embed_text.load_text_encoder = Remembering
    fitted_once()
    lines = [
        f"Means over {options.seeds} seeds; a difference is that to `none` by seed, ± its standard error. "
        "Less is better of RMSE, more of average precision."
    ]
    lines += [
        f"A training row has a varied copy with the chance 0.3. Settings besides: {', '.join(options.set) or 'none'}.",
        options.note,
        "",
    ]
    here = Path.cwd()
    for asked in options.datasets:
        dataset, _, model = asked.partition(".")
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            lines += measured(dataset, model or ADS, options.seeds, options.set, options.only, Path(folder))
            os.chdir(here)
        Remembering.known.clear()
    write_down("augmentation_ablation", "What each augmentation does to the validation score", lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
