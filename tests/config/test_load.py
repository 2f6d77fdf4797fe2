"""From files and overrides to a typed configuration."""

from pathlib import Path

import pytest

from within_wf.config import AccountHealthConfig, AdScoreConfig, DatasetConfig, experiment_path, load_file, load_run
from within_wf.errors import ConfigError

CONFIGS = Path(__file__).parents[2] / "configs"
DATASET = """
name: mine
source: {kind: files, reader: table, folder: here, files: [ads.csv]}
ads: {target: score, group: team}
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def file(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return file


def problems(call, *arguments):
    with pytest.raises(ConfigError) as error:
        call(*arguments)
    return [str(problem) for problem in error.value.problems]


@pytest.mark.parametrize("path", sorted((CONFIGS / "experiment").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_run_of_the_project_loads(path):
    assert load_run(path).dataset.name == path.stem


def test_a_file_stands_on_another_and_says_only_what_differs(write):
    write("base.yaml", "data: {batch_size: 32, split: {strategy: group}}\nmodel: {head: {hidden_layers: [8, 8]}}\n")
    write("middle.yaml", "base_config: base.yaml\ndata: {split: {test_size: 0.3}}\n")
    path = write("deep/top.yaml", "base_config: ../middle.yaml\nmodel: {head: {hidden_layers: [4]}}\n")
    config = load_file(path, AdScoreConfig)
    assert config.data.batch_size == 32
    assert (config.data.split.strategy, config.data.split.test_size) == ("group", 0.3)
    assert config.model.head.hidden_layers == [4]


def test_a_problem_is_shown_in_the_file_where_it_stands(write):
    write("base.yaml", "data:\n  batch_size: many\n")
    path = write("top.yaml", "base_config: base.yaml\ntraining:\n  epochs: 0\n")
    found = problems(load_file, path, AdScoreConfig)
    assert found == [
        "top.yaml:3:3: found training.epochs = 0, expected greater than or equal to 1.",
        "base.yaml:2:3: found data.batch_size = 'many', expected a whole number.",
    ]


def test_every_problem_of_a_file_is_reported_at_once(write):
    path = write(
        "a.yaml",
        "data:\n  bacth_size: 3\n  split: {strategy: stratified}\n"
        "model:\n  head:\n    dropout: 1.5\n  fusion: 7\ntraining: {loss: mae}\n",
    )
    found = problems(load_file, path, AdScoreConfig)
    assert [line.split(":")[1] for line in found] == ["2", "3", "6", "7", "8"]
    assert "Did you mean batch_size?" in found[0]
    assert "needs stratify_column" in found[1]
    assert "less than 1" in found[2]
    assert "expected a mapping" in found[3]
    assert "training.loss = 'mae'" in found[4]


def test_a_chain_that_ends_nowhere_or_in_itself_is_refused_beside_other_problems(write):
    write("a.yaml", "base_config: b.yaml\ntraining: {epochs: x}\n")
    write("b.yaml", "base_config: a.yaml\n")
    found = problems(load_file, Path("a.yaml"), AdScoreConfig)
    assert any("a.yaml -> b.yaml -> a.yaml" in line for line in found)
    assert any("training.epochs" in line for line in found)
    path = write("c.yaml", "base_config: aa.yaml\n")
    assert "Did you mean a.yaml?" in problems(load_file, path, AdScoreConfig)[0]
    path = write("d.yaml", "base_config: [1]\n")
    assert "expected the path of a file" in problems(load_file, path, AdScoreConfig)[0]
    write("broken.yaml", "a: [\n")
    path = write("e.yaml", "base_config: broken.yaml\n")
    assert "broken.yaml:2:1" in problems(load_file, path, AdScoreConfig)[0]


def test_a_run_names_files_and_all_their_problems_come_together(write):
    write("data/mine.yaml", DATASET.replace("target: score", "targit: score"))
    write("models/ad.yaml", "training: {epochs: none}\n")
    path = write(
        "runs/mine.yaml", "dataset: ../data/mine.yaml\nmodels: {ad_score: ../models/ad.yaml, account_health: gone.yaml}\n"
    )
    found = problems(load_run, path)
    assert any(line.startswith("data/mine.yaml:4:7: found unknown key dataset.ads.targit") for line in found)
    assert any(line.startswith("data/mine.yaml") and "no target" in line for line in found)
    assert any(line.startswith("models/ad.yaml:1:12: found models.ad_score.training.epochs = 'none'") for line in found)
    assert any(line.startswith("runs/mine.yaml:2:") and "gone.yaml" in line for line in found)


def test_a_split_that_lacks_its_column_is_refused_before_anything_runs(write):
    write("mine.yaml", DATASET)
    path = write("run.yaml", "dataset: mine.yaml\nmodels: {ad_score: {data: {split: {strategy: time}}}}\n")
    assert "needs dataset.ads.time" in problems(load_run, path)[0]
    assert load_run(path, ["ad_score.data.split.strategy=group"]).models.ad_score.data.split.strategy == "group"


def test_a_union_says_which_member_it_takes(write):
    path = write("a.yaml", "name: a\nsource: {kind: file, folder: x}\n")
    assert problems(load_file, path, DatasetConfig) == [
        "a.yaml:2:10: found source.kind = 'file', expected one of 'sample_world', 'files'. Did you mean files?"
    ]


def test_an_unknown_dataset_names_its_nearest_neighbour():
    with pytest.raises(ConfigError, match=r"Did you mean upworthy\?"):
        experiment_path("upwrothy", CONFIGS)
    assert experiment_path("upworthy", CONFIGS).is_file()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("score, numeric: [spend, score]", "target is score, which is a feature too"),
        ("score, categorical: [ad_id]", "id is ad_id, which is a feature too"),
        ("score, numeric: [spend, spend]", "spend is named twice"),
        ("score, numeric: [spend], categorical: [spend]", "spend is named twice"),
        ("score, image: picture", "files bring no pictures"),
    ],
)
def test_columns_that_cannot_mean_this_are_refused(write, change, message):
    text = DATASET.replace("score, group: team", change)
    (found,) = problems(load_file, write("mine.yaml", text), DatasetConfig)
    assert message in found


def test_files_are_one_table(write):
    (found,) = problems(load_file, write("mine.yaml", DATASET + "series: {channels: [clicks]}\n"), DatasetConfig)
    assert "files are one table" in found


@pytest.mark.parametrize(
    "override",
    [
        "ad_score.training.optimizer.learning_rate=.inf",
        "ad_score.training.optimizer.weight_decay=.nan",
        "account_health.training.seed=4294967296",
        "account_health.data.windows.length=99999999999",
    ],
)
def test_numbers_that_no_step_can_use_are_refused_before_anything_runs(override):
    (found,) = problems(load_run, CONFIGS / "experiment/sample_world.yaml", [override])
    assert override.partition("=")[0].partition(".")[2].rpartition(".")[2] in found


@pytest.mark.parametrize("name", ['"a\\0b"', "x" * 300, '"\\ud800"'])
def test_a_name_that_can_be_no_path_is_a_problem_like_others(write, name):
    assert "the path of a file" in problems(load_file, write("a.yaml", f"base_config: {name}\n"), AdScoreConfig)[0]
    assert "the path of a file" in problems(load_run, write("b.yaml", f"dataset: {name}\nmodels: {{}}\n"))[0]


@pytest.mark.parametrize(("strategy", "column"), [("time", "time"), ("group_time", "time")])
def test_a_split_needs_the_columns_of_its_strategy(write, strategy, column):
    write("mine.yaml", DATASET)
    path = write("run.yaml", f"dataset: mine.yaml\nmodels: {{ad_score: {{data: {{split: {{strategy: {strategy}}}}}}}}}\n")
    assert f"strategy is {strategy}, which needs dataset.ads.{column}" in problems(load_run, path)[0]


@pytest.mark.parametrize(
    ("model", "text", "message"),
    [
        ("ad_score", "data: {validation: {severity: {gap: quarantine}}}", "a gap is no row that could be set aside"),
        ("ad_score", "data: {validation: {severity: {gaps: warn}}}", "gaps"),
        ("ad_score", "data: {quality: {outliers: {methods: [seasonal]}}}", "seasonal, which is for series"),
        ("account_health", "data: {quality: {leakage: {severity: quarantine}}}", "refuse"),
    ],
)
def test_severities_and_checks_that_make_no_sense_are_refused(tmp_path, model, text, message):
    path = tmp_path / "model.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_file(path, {"ad_score": AdScoreConfig, "account_health": AccountHealthConfig}[model])
