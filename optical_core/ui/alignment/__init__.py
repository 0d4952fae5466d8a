"""The page Alignment: the transport plan between a text and its translation."""
