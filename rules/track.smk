# Records judged models in MLflow. A marker that says "pending" makes the next run try again.


rule track:
    input:
        unpack(judged),
    output:
        "out/track/{name}/{key}.run.json",
    log:
        "logs/track/{name}.{key}.log",
    benchmark:
        "logs/track/{name}.{key}.tsv"
    message:
        "{wildcards.name}: recording the run"
    shell:
        f"within-wf track --name {{wildcards.name}} --plan {run.plan_path} --settings {run.tracking.settings}"
        " --marker {output} --log {log}"
