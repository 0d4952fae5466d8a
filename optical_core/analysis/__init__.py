"""Measures, language gaps and significance. No models, no network."""
