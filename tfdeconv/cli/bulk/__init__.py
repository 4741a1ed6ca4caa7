"""Very many files: what there is to do, who does it, what is told of it."""
