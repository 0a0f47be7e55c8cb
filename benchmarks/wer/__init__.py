"""How many words did a transcript get wrong? ``python -m benchmarks.wer`` learns to say so and measures how well."""
