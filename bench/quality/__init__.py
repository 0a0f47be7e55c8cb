"""How many words a transcript gets wrong, predicted without its reference: from sound, from confidence, from both."""
