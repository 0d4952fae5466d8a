"""What the pages show, a folder a page, and the library that opens it. No Streamlit."""
