"""What should never happen becomes one sentence, and a traceback in the log under its number."""

import re

import pytest
from streamlit.testing.v1 import AppTest

SCRIPT = "from pages.common.fence import fence, fragment\nimport streamlit as st\n"
BROKEN = {
    "a page": "with fence():\n    st.title('x')\n    {}['secret']\n",
    "a fragment": "fragment(lambda: {}['secret'])()\n",
}


@pytest.mark.parametrize("script", BROKEN.values(), ids=BROKEN)
def test_an_unexpected_exception_shows_a_number_and_logs_the_traceback(script, caplog):
    app = AppTest.from_string(SCRIPT + script).run()
    assert not app.exception
    (sentence,) = [element.value for element in app.error]
    assert "secret" not in sentence
    (record,) = [r for r in caplog.records if r.name == "pages.common.fence"]
    assert re.search("error [0-9a-f]{8}", sentence).group() == record.getMessage()
    assert record.exc_info[0] is KeyError
    caplog.clear()


def test_bad_input_and_streamlits_signals_pass_as_they_are():
    script = SCRIPT + (
        "from optical_core.errors import InputError\n"
        "with fence():\n    raise InputError('no such file: a*b*c')\n"
        "with fence():\n    st.stop()\n"
        "st.title('never drawn')\n"
    )
    app = AppTest.from_string(script).run()
    assert [element.value for element in app.error] == [r"no such file: a\*b\*c"]
    assert not app.title
