"""Experiments: models x languages x collections, and their records."""
