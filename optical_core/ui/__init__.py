"""What the pages show, one folder per page, and the library that opens it. No Streamlit."""
