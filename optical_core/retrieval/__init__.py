"""Retrieval: the token index, MaxSim, BM25, and what makes up a score."""
