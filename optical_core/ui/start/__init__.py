"""The page Start: one real query in several languages, before and after distillation."""
