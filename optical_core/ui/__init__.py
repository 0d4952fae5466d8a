"""What the pages show: figures, token HTML, loaders that are cached. No Streamlit."""
