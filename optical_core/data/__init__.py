"""Collections, bitext, runs and qrels, and the formats they come in. No models, no network."""
