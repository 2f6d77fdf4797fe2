"""Raw files as typed batches; what is wrong with a file is said all at once."""
