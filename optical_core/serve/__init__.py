"""Search over HTTP: the server (`optical serve`) and its client."""
