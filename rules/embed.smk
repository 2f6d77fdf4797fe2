# Turns texts and images into vectors by pretrained encoders.


rule embed_text:
    input:
        unpack(run.inputs("embed_text")),
    output:
        "out/embed_text/{name}/{key}.ref.json",
    log:
        "logs/embed_text/{name}.{key}.log",
    benchmark:
        "logs/embed_text/{name}.{key}.tsv"
    threads: 2
    message:
        "{wildcards.name}: embedding texts"
    shell:
        run.command("embed_text")


rule embed_images:
    input:
        unpack(run.inputs("embed_images")),
    output:
        "out/embed_images/{name}/{key}.ref.json",
    log:
        "logs/embed_images/{name}.{key}.log",
    benchmark:
        "logs/embed_images/{name}.{key}.tsv"
    threads: 2
    message:
        "{wildcards.name}: embedding images"
    shell:
        run.command("embed_images")


rule embed_varied_images:
    input:
        unpack(run.inputs("embed_varied_images")),
    output:
        "out/embed_varied_images/{name}/{key}.ref.json",
    log:
        "logs/embed_varied_images/{name}.{key}.log",
    benchmark:
        "logs/embed_varied_images/{name}.{key}.tsv"
    threads: 2
    message:
        "{wildcards.name}: embedding varied images"
    shell:
        run.command("embed_varied_images")
