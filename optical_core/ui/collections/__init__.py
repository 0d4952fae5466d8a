"""The page Collections: what is in them, import and removal."""
