"""What each profile plans for each target and dataset, right after a clone; nothing runs."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass

import pytest
from ruamel.yaml import YAML

from tests.steps.judged_world import make
from tests.workflow.place import BIN, ROOT, Place
from within_wf.steps.place import open_store
from within_wf.steps.workflow import open_workflow

PROFILES = ["local", "slurm-cpu", "slurm-gpu", "kubernetes"]
TARGETS = ("train_all", "validate_all", "evaluate_all", "report_all", "ad_score", "account_health")
AD_STEPS = {"validate_data", "split_data", "build_ad_features", "augment_ads", "fit_ad_baselines", "train_ad_score"}
ACCOUNT_STEPS = {
    "validate_data",
    "split_data",
    "build_account_features",
    "augment_accounts",
    "fit_account_baselines",
    "train_account_health",
}
ENCODERS = {"embed_text", "embed_images"}
LAST = {"report_model", "track"}


def of(dataset, model, steps):
    return {f"{step}/{dataset}.{model}" for step in steps}


AD = of("sample_world", "ad_score", AD_STEPS | ENCODERS | {"evaluate_ad_score"})
ACCOUNT = of("sample_world", "account_health", ACCOUNT_STEPS | {"evaluate_account_health"})
AD_LAST, ACCOUNT_LAST = (of("sample_world", model, LAST) for model in ("ad_score", "account_health"))
REPORTS = {job for job in AD_LAST | ACCOUNT_LAST if job.startswith("report_model/")}
WORLD = {"simulate_world/sample_world"}
SAMPLE_WORLD = {
    "train_all": WORLD | AD | ACCOUNT | AD_LAST | ACCOUNT_LAST,
    "validate_all": WORLD | {job for job in AD | ACCOUNT if job.startswith("validate_data/")},
    "evaluate_all": WORLD | AD | ACCOUNT,
    "report_all": WORLD | AD | ACCOUNT | REPORTS,
    "ad_score": WORLD | AD | AD_LAST,
    "account_health": WORLD | ACCOUNT | ACCOUNT_LAST,
}
"""Target to the jobs it plans, where nothing is made yet."""
REAL = {
    "ad_exchange": of("ad_exchange", "account_health", ACCOUNT_STEPS | {"evaluate_account_health"} | LAST),
    "facebook_campaigns": of("facebook_campaigns", "ad_score", AD_STEPS | {"evaluate_ad_score"} | LAST),
    "upworthy": of("upworthy", "ad_score", AD_STEPS | {"embed_text", "evaluate_ad_score"} | LAST),
}


@dataclass(frozen=True)
class Planned:
    """What a dry run says."""

    code: int
    text: str

    @property
    def jobs(self):
        """``step/name`` of each job."""
        found = re.findall(r"/within-wf (?:step (\w+)|(track)) --name (\S+)", self.text)
        return {f"{step or track}/{name}" for step, track, name in found}


def snakemake(place, *arguments):
    """Run Snakemake as a person would who stands in ``place``."""
    command = [str(BIN / "snakemake"), *arguments]
    done = subprocess.run(
        command,
        cwd=place.folder,
        env=place.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Planned(done.returncode, done.stdout)


def dry_run(place, profile, *targets, config=()):
    """Plan the targets."""
    words = ("--config", *config) if config else ()
    return snakemake(place, "--profile", profile, *targets, "--dry-run", "--printshellcmds", "--quiet", "host", *words)


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """What a clone of the repository holds of the workflow: the tracked files and links alone."""
    folder = tmp_path_factory.mktemp("clone")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "Snakefile", "rules", "configs", "local", "slurm-*", "kubernetes"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.split("\0")[:-1]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name, follow_symlinks=False)
    return Place(folder, folder.with_name("store"))


@pytest.mark.parametrize(
    ("profile", "target"), [*(("local", target) for target in TARGETS), *((profile, "train_all") for profile in PROFILES[1:])]
)
def test_profiles_plan_targets_right_after_a_clone(clone, profile, target):
    planned = dry_run(clone, profile, target)
    assert planned.code == 0, planned.text
    assert planned.jobs == SAMPLE_WORLD[target]
    assert not (clone.folder / "out").exists()


@pytest.mark.skipif("WITHIN_DATA" not in os.environ, reason="WITHIN_DATA does not name the folder of the real datasets")
@pytest.mark.parametrize("dataset", REAL)
def test_real_datasets_are_planned(clone, dataset):
    planned = dry_run(clone, "local", *TARGETS, config=[f"dataset={dataset}"])
    assert planned.code == 0, planned.text
    assert planned.jobs == REAL[dataset] | {f"read_source/{dataset}"}


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("dataset=up_worthy", ("there is no dataset 'up_worthy'", "ad_exchange, facebook_campaigns, sample_world, upworthy")),
        ("data=upworthy", ("--config: found data, expected one of dataset, set",)),
        (
            "set=[ad_score.training.epochs=soon, ad_score.training.epoch=1]",
            ("2 problems", "soon", "Did you mean ad_score.training.epochs?"),
        ),
        ("dataset=upworthy", ("WITHIN_DATA, which is not set", "the folder that holds upworthy/", "docs/datasets.md")),
    ],
)
def test_what_cannot_be_planned_is_told_in_words(clone, monkeypatch, config, words):
    monkeypatch.delenv("WITHIN_DATA", raising=False)
    planned = dry_run(clone, "slurm-cpu", "train_all", config=[config])
    assert planned.code in (2, 3)
    assert "\nwithin-wf: " in planned.text
    for word in words:
        assert word in planned.text
    for noise in ("Traceback", ".py", "Building DAG"):
        assert noise not in planned.text


def settings(profile):
    return YAML(typ="safe").load(ROOT / "configs" / "profiles" / profile / "config.yaml")


@pytest.mark.parametrize("profile", ["local", "slurm-cpu", "slurm-gpu", "kubernetes"])
def test_file_times_are_the_only_trigger(profile):
    assert settings(profile)["rerun-triggers"] == ["mtime"]


def test_what_uses_a_gpu_asks_for_one():
    asked = settings("slurm-gpu")["set-resources"]
    assert set(asked) == ENCODERS | {"embed_varied_images", "train_ad_score", "train_account_health"}
    for resources in asked.values():
        assert resources["gpu"] == 1
        assert resources["slurm_partition"] == "gpu"


@pytest.fixture
def made(clone, tmp_path, monkeypatch):
    """A place where every step of both models is made, with small artifacts in the place of real ones."""
    monkeypatch.setenv("WITHIN_STORE", str(tmp_path / "store"))
    folder = tmp_path / "run"
    shutil.copytree(clone.folder, folder, symlinks=True, ignore=shutil.ignore_patterns(".snakemake", ".within"))
    monkeypatch.chdir(folder)
    plan = open_workflow({}, folder / "configs").plan
    make(plan, open_store())
    return Place(folder, tmp_path / "store"), plan


def asked_for(place, *words):
    """What a run of everything but the recording finds to do."""
    return snakemake(place, "--profile", "local", *words, "--config", "set=tracking.enabled=false")


def test_a_touched_ref_makes_nothing_again(made):
    place, plan = made
    for age, node in enumerate(plan.values()):
        time = 2_000_000_000 - 1000 * age
        os.utime(place.folder / node.ref, (time, time))
    planned = asked_for(place, "train_all")
    assert planned.code == 0, planned.text
    assert "Nothing to be done" in planned.text


def test_a_ref_that_is_made_again_makes_nothing_else(made):
    """A job in the plan counts as news to what reads it, unless its file times mean nothing."""
    place, plan = made
    ref = plan["validate_data/sample_world.ad_score"].ref
    planned = asked_for(place, "train_all", "--dry-run", "--printshellcmds", "--quiet", "host", "--forcerun", ref)
    assert planned.code == 0, planned.text
    assert planned.jobs == {"validate_data/sample_world.ad_score"}


def test_steps_are_found_where_the_environment_is_not_activated(tmp_path):
    place = Place(tmp_path / "run", tmp_path / "store", more={"PATH": os.defpath})
    place.run("validate_all", "set=dataset.source.rows=1000")
    assert place.computed() == SAMPLE_WORLD["validate_all"]
