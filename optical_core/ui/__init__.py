"""What the pages show: loaders that are cached, and (to come) figures. No Streamlit."""
