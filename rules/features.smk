# Turns rows into numbers, fitted on the training rows alone.


rule build_ad_features:
    input:
        unpack(run.inputs("build_ad_features")),
    output:
        "out/build_ad_features/{name}/{key}.ref.json",
    log:
        "logs/build_ad_features/{name}.{key}.log",
    benchmark:
        "logs/build_ad_features/{name}.{key}.tsv"
    message:
        "{wildcards.name}: building features of ads"
    shell:
        run.command("build_ad_features")


rule build_account_features:
    input:
        unpack(run.inputs("build_account_features")),
    output:
        "out/build_account_features/{name}/{key}.ref.json",
    log:
        "logs/build_account_features/{name}.{key}.log",
    benchmark:
        "logs/build_account_features/{name}.{key}.tsv"
    message:
        "{wildcards.name}: building windows of accounts"
    shell:
        run.command("build_account_features")
