"""Keys change with what determines bytes, and with nothing else."""

import pytest

from within_wf.config import load_run
from within_wf.errors import DatasetNotFoundError
from within_wf.steps.fingerprint import Sources
from within_wf.steps.place import CODE
from within_wf.steps.plan import MODELS, action_key, build_plan, plan_from_json, plan_to_json, versions
from within_wf.steps.raw_files import RawFiles
from within_wf.steps.workflow import Workflow

SOURCES = Sources(CODE)
SAMPLE = CODE / "configs/experiment/sample_world.yaml"


def plan(tmp_path, *overrides, path=SAMPLE, core="core", raw=None):
    return build_plan(load_run(path, overrides), SOURCES, raw or RawFiles(None, tmp_path / "raw.json"), core)


def changed(before, after):
    assert before.keys() == after.keys()
    return {name.partition("/")[0] for name in before if before[name].key != after[name].key}


def test_the_same_run_has_the_same_keys_and_survives_json(tmp_path):
    made = plan(tmp_path)
    assert plan(tmp_path) == made
    assert plan_from_json(plan_to_json(made)) == made


@pytest.mark.parametrize(
    ("override", "steps"),
    [
        ("tracking.experiment=other", set()),
        ("ad_score.evaluation.threshold=0.4", {"evaluate_ad_score", "report_model"}),
        ("account_health.model.lstm.hidden_size=8", {"train_account_health", "evaluate_account_health", "report_model"}),
        ("dataset.description=words", {"report_model"}),
        (
            "ad_score.data.augmentation.prob=0.5",
            {"augment_ads", "embed_text", "train_ad_score", "evaluate_ad_score", "report_model"},
        ),
    ],
)
def test_a_parameter_reaches_the_steps_that_read_it_and_those_after_them(tmp_path, override, steps):
    assert changed(plan(tmp_path), plan(tmp_path, override)) == steps


def test_the_source_reaches_everything(tmp_path):
    before = plan(tmp_path)
    assert changed(before, plan(tmp_path, "dataset.source.seed=1")) == {node.step for node in before.values()}


def test_the_compiled_core_reaches_what_calls_it_and_what_follows(tmp_path):
    steps = changed(plan(tmp_path), plan(tmp_path, core="another"))
    assert {"validate_data", "build_ad_features", "evaluate_account_health"} <= steps
    assert "simulate_world" not in steps


def test_the_arithmetic_is_part_of_the_key_of_what_networks_compute(tmp_path):
    steps = changed(plan(tmp_path), plan(tmp_path, "reproducibility.arithmetic=native"))
    assert {"embed_text", "embed_images", "train_ad_score", "train_account_health", "report_model"} <= steps
    assert not {"simulate_world", "build_ad_features", "augment_accounts", "fit_ad_baselines"} & steps


def test_a_library_is_part_of_the_key_of_the_steps_that_declare_it(tmp_path, monkeypatch):
    before = plan(tmp_path)
    monkeypatch.setattr("within_wf.steps.plan._VERSIONS", {"xgboost-cpu": "0.0"})
    assert changed(before, plan(tmp_path)) == {"train_account_health", "evaluate_account_health", "report_model"}
    assert versions(("no-such-library",))["no-such-library"] == "missing"


def test_a_model_that_is_not_asked_for_and_an_encoder_that_is_off_are_not_planned(tmp_path):
    made = plan(tmp_path, "models.account_health=null", "model.visual_encoder.enabled=false")
    steps = {node.step for node in made.values()}
    assert "embed_images" not in steps
    assert not any("account" in step for step in steps)
    assert "images" not in made["train_ad_score/sample_world.ad_score"].inputs


def test_varied_creatives_are_embedded_where_visual_augmentation_is_on(tmp_path):
    on = "ad_score.data.augmentation.visual_augmentation=true"
    assert "embed_varied_images" not in {node.step for node in plan(tmp_path).values()}
    made = plan(tmp_path, on)
    assert made["train_ad_score/sample_world.ad_score"].inputs["varied_images"] == "embed_varied_images/sample_world.ad_score"
    without = plan(tmp_path, on, "model.visual_encoder.enabled=false", "models.account_health=null")
    assert "embed_varied_images" not in {node.step for node in without.values()}


def test_texts_are_translated_where_a_translator_is_named(tmp_path):
    translator = "{there: 'apertium:aa-bb', back: 'apertium:bb-aa'}"
    text = f"{{methods: [back_translation], back_translation: {translator}}}"
    on = f"ad_score.data.augmentation={{text_augmentation: true, text: {text}}}"
    assert "back_translate_ads" not in {node.step for node in plan(tmp_path).values()}
    made = plan(tmp_path, on)
    assert made["augment_ads/sample_world.ad_score"].inputs["translations"] == "back_translate_ads/sample_world.ad_score"
    assert set(made["back_translate_ads/sample_world.ad_score"].parts["weights"]) == {"apertium:aa-bb", "apertium:bb-aa"}
    noise = "ad_score.data.augmentation.features.noise_std=0.3"
    same = "back_translate_ads/sample_world.ad_score"
    assert plan(tmp_path, on, noise)[same].key == made[same].key
    off = plan(tmp_path, on, "ad_score.data.augmentation.text_augmentation=false")
    assert same not in off


def test_an_action_follows_from_what_was_really_made(tmp_path):
    node = plan(tmp_path)["split_data/sample_world.ad_score"]
    one, two = action_key(node, {"dataset": "a"}), action_key(node, {"dataset": "b"})
    assert one != two
    assert one == action_key(node, {"dataset": "a"})
    louder = plan(tmp_path, "dataset.source.seed=1")["split_data/sample_world.ad_score"]
    assert louder.key != node.key
    assert action_key(louder, {"dataset": "a"}) == one


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "data" / "facebook_campaigns"
    folder.mkdir(parents=True)
    (folder / "KAG_conversion_data.csv").write_text("ad_id\n1\n")
    return tmp_path / "data"


FACEBOOK = CODE / "configs/experiment/facebook_campaigns.yaml"


def test_raw_files_count_by_their_bytes_alone(tmp_path, files):
    path = files / "facebook_campaigns/KAG_conversion_data.csv"
    before = plan(tmp_path, path=FACEBOOK, raw=RawFiles(files, tmp_path / "raw.json"))
    path.touch()
    files.rename(tmp_path / "moved")
    again = plan(tmp_path, path=FACEBOOK, raw=RawFiles(tmp_path / "moved", tmp_path / "raw.json"))
    assert changed(before, again) == set()
    (tmp_path / "moved/facebook_campaigns/KAG_conversion_data.csv").write_text("ad_id\n2\n")
    other = plan(tmp_path, path=FACEBOOK, raw=RawFiles(tmp_path / "moved", tmp_path / "raw.json"))
    assert changed(before, other) == {node.step for node in before.values()}


ACCOUNTS = "dataset.related={accounts: {files: ['accounts*.csv'], references: {ad_id: id}}}"


def test_a_file_of_another_table_reaches_what_is_held_against_it_alone(tmp_path, files):
    other = files / "facebook_campaigns/accounts-1.csv"
    other.write_text("id\n1\n")

    def made(*overrides):
        return plan(tmp_path, *overrides, path=FACEBOOK, raw=RawFiles(files, tmp_path / "raw.json"))

    without, before = made(), made(ACCOUNTS)
    node = before["validate_data/facebook_campaigns.ad_score"]
    assert node.sources == {"accounts/accounts-1.csv": str(other)}
    assert list(node.parts["raw"]) == ["accounts/accounts-1.csv"]
    everything = {step.step for step in before.values()}
    assert changed(without, before) == everything, "ad_id is a column that is read for it"
    other.write_text("id\n2\n")
    after = made(ACCOUNTS)
    assert changed(before, after) == everything - {"read_source"}
    split = "split_data/facebook_campaigns.ad_score"
    assert action_key(before[split], {"dataset": "a"}) == action_key(after[split], {"dataset": "a"})
    severity = made(ACCOUNTS, "ad_score.data.validation.severity={unknown_reference: refuse}")
    assert changed(after, severity) == everything - {"read_source"}
    other.unlink()
    (files / "facebook_campaigns/KAG_conversion_data.csv").unlink()
    with pytest.raises(
        DatasetNotFoundError, match=r"(?s)KAG_conversion_data\.csv: found no.*accounts\*\.csv: found no"
    ) as error:
        made(ACCOUNTS)
    assert [problem.cure.rpartition(" or ")[2] for problem in error.value.problems] == [
        "dataset.source.folder and files.",
        "dataset.related.accounts.files.",
    ]


def test_a_table_is_held_against_the_model_it_is_for(tmp_path):
    made = plan(tmp_path)
    read = {name: list(made[f"validate_data/sample_world.{name}"].parts["config"]["dataset.related"]) for name in MODELS}
    assert read == {"ad_score": ["accounts", "annotations", "industry_benchmarks"], "account_health": ["accounts"]}
    other = plan(tmp_path, "dataset.related={creatives: {to: ads, references: {creative_id: creative_id}}}")
    assert {node.name for key, node in made.items() if node.key != other[key].key} == {"sample_world.ad_score"}


def test_an_input_function_shows_no_url_that_snakemake_would_take_for_a_path(tmp_path):
    workflow = Workflow(plan(tmp_path), tmp_path / "plan.json", "s3://bucket", tracking=None)
    assert "//" not in f"{workflow.judged} {workflow.inputs('split_data')}"


def test_raw_files_that_are_not_there_are_named(tmp_path):
    with pytest.raises(DatasetNotFoundError, match="WITHIN_DATA"):
        plan(tmp_path, path=FACEBOOK)
    with pytest.raises(DatasetNotFoundError, match=r"KAG_conversion_data\.csv: found no file"):
        plan(tmp_path, path=FACEBOOK, raw=RawFiles(tmp_path, tmp_path / "raw.json"))
