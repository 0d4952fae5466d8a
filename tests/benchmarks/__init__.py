"""Benchmarks: commands, run as `optical bench …` or `python -m tests.benchmarks.NAME`."""

from optical_core.process import prepare

prepare()  # before any of them loads torch
