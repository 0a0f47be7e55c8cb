"""digitbench: accuracy, latency, memory and size of digit recognisers, measured so that they can be compared."""
