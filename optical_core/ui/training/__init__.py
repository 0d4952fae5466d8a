"""The page Train: a training's log and curves."""
