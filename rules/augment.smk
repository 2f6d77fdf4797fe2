# Varies training rows.


rule back_translate_ads:
    input:
        unpack(run.inputs("back_translate_ads")),
    output:
        "out/back_translate_ads/{name}/{key}.ref.json",
    log:
        "logs/back_translate_ads/{name}.{key}.log",
    benchmark:
        "logs/back_translate_ads/{name}.{key}.tsv"
    threads: 2
    message:
        "{wildcards.name}: translating texts of training ads there and back"
    shell:
        run.command("back_translate_ads")


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
