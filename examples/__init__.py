"""Small programs to start from; docs and README show how each is run."""
