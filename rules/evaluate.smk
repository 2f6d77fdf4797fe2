# Judges the models on rows they have not seen.


rule evaluate_ad_score:
    input:
        unpack(run.inputs("evaluate_ad_score")),
    output:
        "out/evaluate_ad_score/{name}/{key}.ref.json",
    log:
        "logs/evaluate_ad_score/{name}.{key}.log",
    benchmark:
        "logs/evaluate_ad_score/{name}.{key}.tsv"
    message:
        "{wildcards.name}: judging the Ad Score Predictor"
    shell:
        run.command("evaluate_ad_score")


rule evaluate_account_health:
    input:
        unpack(run.inputs("evaluate_account_health")),
    output:
        "out/evaluate_account_health/{name}/{key}.ref.json",
    log:
        "logs/evaluate_account_health/{name}.{key}.log",
    benchmark:
        "logs/evaluate_account_health/{name}.{key}.tsv"
    message:
        "{wildcards.name}: judging the Account Health Predictor"
    shell:
        run.command("evaluate_account_health")
