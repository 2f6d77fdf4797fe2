# Writes one page a model.


rule report_model:
    input:
        unpack(run.inputs("report_model")),
    output:
        "out/report_model/{name}/{key}.ref.json",
    log:
        "logs/report_model/{name}.{key}.log",
    benchmark:
        "logs/report_model/{name}.{key}.tsv"
    message:
        "{wildcards.name}: writing the report"
    shell:
        run.command("report_model")
