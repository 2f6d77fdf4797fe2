from snakemake.utils import min_version

min_version("9.27")


include: "rules/common.smk"
include: "rules/data.smk"
include: "rules/validate.smk"
include: "rules/split.smk"
include: "rules/features.smk"
include: "rules/augment.smk"
include: "rules/embed.smk"
include: "rules/train.smk"
include: "rules/evaluate.smk"
include: "rules/report.smk"
include: "rules/track.smk"


localrules:
    track,


rule train_all:
    default_target: True
    input:
        run.refs(*MODELS, "report_model"),
        run.markers(),


rule validate_all:
    input:
        run.refs("validate_data"),


rule evaluate_all:
    input:
        run.refs(*EVALUATIONS),


rule report_all:
    input:
        run.refs("report_model"),


rule ad_score:
    input:
        run.refs("train_ad_score", "report_model", model="ad_score"),
        run.markers(model="ad_score"),


rule account_health:
    input:
        run.refs("train_account_health", "report_model", model="account_health"),
        run.markers(model="account_health"),


onsuccess:
    finish(run)
