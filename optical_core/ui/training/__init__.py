"""The page Train: the log and curves of a training."""
