# Reads raw data, or draws the sample world.


rule simulate_world:
    output:
        "out/simulate_world/{name}/{key}.ref.json",
    log:
        "logs/simulate_world/{name}.{key}.log",
    benchmark:
        "logs/simulate_world/{name}.{key}.tsv"
    message:
        "{wildcards.name}: drawing the sample world"
    shell:
        run.command("simulate_world")


rule read_source:
    output:
        "out/read_source/{name}/{key}.ref.json",
    log:
        "logs/read_source/{name}.{key}.log",
    benchmark:
        "logs/read_source/{name}.{key}.tsv"
    message:
        "{wildcards.name}: reading the raw files"
    shell:
        run.command("read_source")
