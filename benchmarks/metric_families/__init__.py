"""One module a family of metrics; each has TITLE and ``measure(rounds)``, which gives the lines of its table."""
