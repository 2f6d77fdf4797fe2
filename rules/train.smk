# Trains the models, and the baselines they are judged beside.


rule train_ad_score:
    input:
        unpack(run.inputs("train_ad_score")),
    output:
        "out/train_ad_score/{name}/{key}.ref.json",
    log:
        "logs/train_ad_score/{name}.{key}.log",
    benchmark:
        "logs/train_ad_score/{name}.{key}.tsv"
    message:
        "{wildcards.name}: training the Ad Score Predictor"
    shell:
        run.command("train_ad_score")


rule train_account_health:
    input:
        unpack(run.inputs("train_account_health")),
    output:
        "out/train_account_health/{name}/{key}.ref.json",
    log:
        "logs/train_account_health/{name}.{key}.log",
    benchmark:
        "logs/train_account_health/{name}.{key}.tsv"
    message:
        "{wildcards.name}: training the Account Health Predictor"
    shell:
        run.command("train_account_health")


rule fit_ad_baselines:
    input:
        unpack(run.inputs("fit_ad_baselines")),
    output:
        "out/fit_ad_baselines/{name}/{key}.ref.json",
    log:
        "logs/fit_ad_baselines/{name}.{key}.log",
    benchmark:
        "logs/fit_ad_baselines/{name}.{key}.tsv"
    message:
        "{wildcards.name}: fitting baselines"
    shell:
        run.command("fit_ad_baselines")


rule fit_account_baselines:
    input:
        unpack(run.inputs("fit_account_baselines")),
    output:
        "out/fit_account_baselines/{name}/{key}.ref.json",
    log:
        "logs/fit_account_baselines/{name}.{key}.log",
    benchmark:
        "logs/fit_account_baselines/{name}.{key}.tsv"
    message:
        "{wildcards.name}: fitting baselines"
    shell:
        run.command("fit_account_baselines")
