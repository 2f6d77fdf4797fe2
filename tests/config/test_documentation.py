"""docs/configuration.md says what the code does."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from snakemake.cli import parse_config

from within_wf.config import AccountHealthConfig, AdScoreConfig, RunConfig, load_file, load_run
from within_wf.config.overrides import split_overrides
from within_wf.config.reader import Place, parse_yaml
from within_wf.config.reference import BEGIN, entries, write_reference
from within_wf.errors import ConfigError

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/configuration.md"
MAPPINGS = ("tracking.tags", "dataset.source.columns", "dataset.source.computed", "dataset.related")
"""Keys below which a person names what they like."""
RENEW = "renew it: python -c 'from within_wf.config.reference import *; write_reference(Path(\"docs/configuration.md\"))'"
MODELS = [AdScoreConfig, AccountHealthConfig]


def blocks(language: str) -> list[str]:
    """The page's fenced blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)


def leaves(value: object, path: tuple[str, ...] = ()) -> dict[str, object]:
    """Dotted paths to the values of a configuration; a section with keys of its own is none."""
    if isinstance(value, dict) and value:
        return {key: leaf for name, inner in value.items() for key, leaf in leaves(inner, (*path, name)).items()}
    return {".".join(path): value}


def nested(path: str, value: object) -> Any:
    for part in reversed(path.split(".")):
        value = {part: value}
    return value


def shown(value: object) -> str:
    if value is None:
        return "none"
    if value in ("", [], {}):
        return "empty"
    return f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value)}`".replace('"', "")


@pytest.fixture
def training(tmp_path, monkeypatch):
    """A folder with the model files of the project, in which a person stands."""
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    monkeypatch.chdir(tmp_path / "configs/training")
    return Path()


def test_the_tables_are_those_of_the_code(tmp_path):
    page = tmp_path / "configuration.md"
    shutil.copy(PAGE, page)
    write_reference(page)
    assert page.read_text() == PAGE.read_text(), RENEW


def test_a_page_without_a_place_for_the_tables_is_left_alone(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"nothing\n{BEGIN}\n")
    with pytest.raises(ValueError, match="no place for the keys"):
        write_reference(page)
    assert page.read_text() == f"nothing\n{BEGIN}\n"


@pytest.mark.parametrize("model", MODELS)
def test_every_key_is_there_with_the_default_that_holds(model):
    known = {key: entry for key, entry in entries(model).items() if entry.takes}
    values = leaves(model().model_dump(mode="json"))
    assert list(known) == list(values)
    for key, value in values.items():
        assert known[key].default.split(", but ")[0] == shown(value), key


def test_every_key_of_the_projects_runs_is_there():
    known = entries(RunConfig)
    for path in (ROOT / "configs/experiment").glob("*.yaml"):
        said = leaves(load_run(path).model_dump(mode="json"))
        missing = [key for key in said if key not in known and not key.startswith(MAPPINGS)]
        assert missing == []


@pytest.mark.parametrize("model", MODELS)
def test_defaults_of_a_section_that_is_written_without_the_key(model):
    for key, entry in entries(model).items():
        if entry.takes:
            usual, _, other = entry.default.partition(", but ")
            section = key.rpartition(".")[0]
            written = leaves(model.model_validate(nested(section, {})).model_dump(mode="json"))
            assert shown(written[key]) == (other.partition(" where ")[0] if other else usual), key


def accepts(model: Any, key: str, value: object) -> bool:
    try:
        model.model_validate(nested(key, value))
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("model", MODELS)
def test_numbers_are_taken_up_to_the_bounds_and_no_further(model):
    checked = 0
    for key, entry in entries(model).items():
        step = 1 if entry.takes.startswith("whole") else 1e-9
        for words, bound in re.findall(r", (at least|above|at most|below) (\d[\d,]*(?:\.\d+)?)\b", entry.takes):
            edge = int(bound.replace(",", "")) if step == 1 else float(bound.replace(",", ""))
            outside, inside = {
                "at least": (edge - step, edge),
                "above": (edge, edge + step),
                "at most": (edge + step, edge),
                "below": (edge, edge - step),
            }[words]
            assert accepts(model, key, inside), (key, inside)
            assert not accepts(model, key, outside), (key, outside)
            checked += 1
    assert checked > 25


@pytest.mark.parametrize("model", MODELS)
def test_of_words_those_are_taken_that_are_named(model):
    for key, entry in entries(model).items():
        words = re.findall(r"`([^`]+)`", entry.takes)
        if model is AdScoreConfig and key == "data.quality.outliers.methods":
            words.remove("seasonal")  # ads are no series
        # Some need a column, or a translator.
        if words and key not in ("data.split.strategy", "data.augmentation.text.methods"):

            def written(word, takes=entry.takes):
                return [word] if takes.startswith("list") else {"negative": word} if takes.startswith("mapping") else word

            assert all(accepts(model, key, written(word)) for word in words), key
            assert not accepts(model, key, written("another")), key


def test_a_key_without_a_meaning_is_explained_above_the_tables():
    words = set(re.findall(r"`([a-z_.]+)`", PAGE.read_text().partition("## Every key")[2].partition(BEGIN)[0]))
    silent = [
        key for model in (RunConfig, *MODELS) for key, entry in entries(model).items() if entry.takes and not entry.meaning
    ]
    assert silent
    for key in silent:
        section, name = key.split(".")[-2:]
        assert words & {name, section, f"{section}.{name}"}, key


def test_the_run_on_the_page_is_the_projects():
    assert blocks("yaml")[0] == (ROOT / "configs/experiment/sample_world.yaml").read_text()


def test_the_file_on_top_of_another(training):
    base = load_file(training / "ad_score_predictor.yaml", AdScoreConfig)
    (training / "mine.yaml").write_text(blocks("yaml")[1])
    mine = load_file(training / "mine.yaml", AdScoreConfig)
    said = {"training.epochs": 10, "model.head.hidden_layers": [32, 16]}
    assert leaves(mine.model_dump()) == {**leaves(base.model_dump()), **said}


def test_the_problems_of_a_file(training):
    (training / "mine.yaml").write_text(blocks("yaml")[2])
    with pytest.raises(ConfigError) as raised:
        load_file(training / "mine.yaml", AdScoreConfig)
    assert str(raised.value) + "\n" == blocks("text")[0]
    assert raised.value.exit_code == 2


def test_the_problems_of_an_override(training, monkeypatch):
    monkeypatch.chdir("../experiment")
    with pytest.raises(ConfigError) as raised:
        load_run(Path("sample_world.yaml"), ["training.epochs=many"])
    assert str(raised.value) + "\n" == blocks("text")[1]


def overrides_of(command: str) -> tuple[str, list[str]]:
    """Dataset and overrides of a line of the page, as Snakemake or the command itself would take them."""
    words = shlex.split(command.removeprefix("$ "))
    if words[0] == "within-wf":
        return words[3], [words[i + 1] for i, word in enumerate(words) if word == "--set"]
    given = parse_config(words[words.index("--config") + 1 :])
    return given.get("dataset", "sample_world"), split_overrides(given.get("set"))


def test_the_commands_set_what_they_say():
    runs = []
    for command in blocks("console")[0].splitlines():
        dataset, overrides = overrides_of(command)
        runs.append(load_run(ROOT / f"configs/experiment/{dataset}.yaml", overrides))
    everywhere, chosen, listed, shown_run = runs
    assert everywhere.models.ad_score.training.epochs == everywhere.models.account_health.training.epochs == 5
    assert (chosen.dataset.name, chosen.models.ad_score.training.seed) == ("upworthy", 7)
    assert chosen.models.ad_score.model.head.dropout == 0.3
    assert listed.models.ad_score.model.head.hidden_layers == [32, 16]
    assert listed.models.account_health is None
    assert (shown_run.dataset.source.rows, shown_run.tracking.enabled) == (2000, False)


def test_the_paths_of_the_table_lead_where_it_says():
    world = ROOT / "configs/experiment/sample_world.yaml"
    before = leaves(load_run(world).model_dump(mode="json"))
    values = {"dataset.source.rows": 300, "tracking.enabled": False}
    rows = re.findall(r"^\| (`.*) \| (the run|that model|every model.*) \|$", PAGE.read_text(), re.MULTILINE)
    assert len(rows) == 3
    for paths, where in rows:
        for path in re.findall(r"`([^`]+)`", paths):
            value = values.get(path, 3)
            after = leaves(load_run(world, [f"{path}={json.dumps(value)}"]).model_dump(mode="json"))
            changed = {key for key in after if after[key] != before[key]}
            both = {f"models.{model}.{path}" for model in ("ad_score", "account_health")}
            assert changed == ({"the run": {path}, "that model": {f"models.{path}"}}.get(where) or both)


@pytest.mark.parametrize(("text", "value"), [("yes", "yes"), ("on", "on"), ("12:30", "12:30"), ("010", 10), ("3e-3", 0.003)])
def test_plain_values(text, value):
    assert f"`{text}`" in PAGE.read_text()
    assert parse_yaml(text, Place("a.yaml", 1, 1)).value == value


@pytest.mark.parametrize(
    "text",
    ["a: !x 1\n", "a: &b 1\n", "a: *b\n", "<<: {a: 1}\n", "a: 1\na: 2\n", "1: a\n", "a: 1\n---\nb: 2\n"],
)
def test_what_is_refused_with_its_place(training, text):
    (training / "a.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"a\.yaml:\d+:\d+: found"):
        load_file(training / "a.yaml", AdScoreConfig)


@pytest.mark.parametrize("value", ['"64"', "1.0"])
def test_nothing_is_converted_silently(training, value):
    (training / "a.yaml").write_text(f"data: {{batch_size: {value}}}\n")
    with pytest.raises(ConfigError, match="expected a whole number"):
        load_file(training / "a.yaml", AdScoreConfig)
