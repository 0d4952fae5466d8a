"""The page Stories: sequences of saved views with notes, played and written as one HTML page."""
