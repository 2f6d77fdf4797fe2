# Holds rows against their contract.


rule validate_data:
    input:
        unpack(run.inputs("validate_data")),
    output:
        "out/validate_data/{name}/{key}.ref.json",
    log:
        "logs/validate_data/{name}.{key}.log",
    benchmark:
        "logs/validate_data/{name}.{key}.tsv"
    message:
        "{wildcards.name}: validating rows"
    shell:
        run.command("validate_data")
