# Divides rows into train, validation and test.


rule split_data:
    input:
        unpack(run.inputs("split_data")),
    output:
        "out/split_data/{name}/{key}.ref.json",
    log:
        "logs/split_data/{name}.{key}.log",
    benchmark:
        "logs/split_data/{name}.{key}.tsv"
    message:
        "{wildcards.name}: splitting rows"
    shell:
        run.command("split_data")
