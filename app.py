"""Entry of the app: `streamlit run app.py`."""

from pages.common.router import run

run()
