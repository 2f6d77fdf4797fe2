# Varies training rows.


rule augment_ads:
    input:
        unpack(run.inputs("augment_ads")),
    output:
        "out/augment_ads/{name}/{key}.ref.json",
    log:
        "logs/augment_ads/{name}.{key}.log",
    benchmark:
        "logs/augment_ads/{name}.{key}.tsv"
    message:
        "{wildcards.name}: varying training ads"
    shell:
        run.command("augment_ads")


rule augment_accounts:
    input:
        unpack(run.inputs("augment_accounts")),
    output:
        "out/augment_accounts/{name}/{key}.ref.json",
    log:
        "logs/augment_accounts/{name}.{key}.log",
    benchmark:
        "logs/augment_accounts/{name}.{key}.tsv"
    message:
        "{wildcards.name}: varying training windows"
    shell:
        run.command("augment_accounts")
