# Records judged models in MLflow. A marker that says "pending" makes the next run try again.


rule track:
    input:
        unpack(run.judged),
    output:
        "out/track/{name}/{key}.run.json",
    log:
        "logs/track/{name}.{key}.log",
    benchmark:
        "logs/track/{name}.{key}.tsv"
    message:
        "{wildcards.name}: recording the run"
    shell:
        run.track_command()
