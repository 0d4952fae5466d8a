"""Distillation: objectives, the loss for sentence-transformers' trainer, and our own runs."""
