# What all rules share: the plan of the run.
from pathlib import Path

from within_wf.steps.results import finish, show_finished
from within_wf.steps.workflow import plan_or_exit

MODELS = ("train_ad_score", "train_account_health")
EVALUATIONS = ("evaluate_ad_score", "evaluate_account_health")

run = plan_or_exit(config, Path(workflow.basedir) / "configs")
show_finished(run)


wildcard_constraints:
    name=r"[a-z0-9_]+(\.[a-z_]+)?",
    key="[0-9a-f]{64}",
