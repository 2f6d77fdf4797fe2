# What every rule needs: the plan of the run, and the shell command of a step.
import os
import sys
from pathlib import Path

from within_wf.steps.results import finish, show_finished
from within_wf.steps.workflow import plan_or_exit

MODELS = ("train_ad_score", "train_account_health")
EVALUATIONS = ("evaluate_ad_score", "evaluate_account_health")

# The step runner stands beside the interpreter, whether or not its environment was activated.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

run = plan_or_exit(config, Path(workflow.basedir) / "configs")
show_finished(run)


wildcard_constraints:
    name=r"[a-z0-9_]+(\.[a-z_]+)?",
    key="[0-9a-f]{64}",


def judged(wildcards):
    """What is recorded of a model; a newer file time is no reason to record it again."""
    return {label: ancient(ref) for label, ref in run.judged(wildcards).items()}


def step(name):
    """The one shell command of a rule."""
    return (
        f"within-wf step {name} --name {{wildcards.name}} --plan {run.plan_path}"
        " --ref {output} --log {log} --threads {threads}"
    )
