"""What is wrong with settings is said without pydantic's words."""

import pytest

from optical_core.distill.settings import resolve_config
from optical_core.errors import InputError


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        (
            "name",
            "a b",
            "setting name: letters, digits, dots and dashes were expected, beginning "
            "with a letter or digit, got 'a b'",
        ),
        ("name", "../x", "setting name: letters"),
        ("steps", "0", "setting steps: at least 1 was expected, got 0"),
        ("steps", "many", "setting steps: a whole number was expected, got 'many'"),
        ("epsilon", "-1", "setting epsilon: more than 0 was expected, got -1"),
        (
            "trainable",
            "all",
            "setting trainable: 'lora', 'encoder' or 'full' was expected, got 'all'",
        ),
        ("stepss", "1", "setting stepss: there is no such setting"),
        ("languages", "1", "setting languages: a list was expected, got 1"),
        ("backbone", "x", "a student with a backbone of its own needs"),
    ],
)
def test_a_wrong_setting_is_told_to_people(name, value, told):
    with pytest.raises(InputError) as caught:
        resolve_config({"bitext": ["demo"]}, None, ["name=x", f"{name}={value}"], demo=False)
    assert str(caught.value).startswith(told)
    assert "^" not in str(caught.value)
