"""Encoders: backbones, token vectors, and the teacher-student pairs that retrieve."""
