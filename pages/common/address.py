"""The address is the state: every control that defines a view is bound to the URL.

`bound(st.selectbox, "Model", names, key="model", default="a")` draws a widget. Its value is read
from the address, and a change is written to the address. Streamlit's own `bind` writes labels
instead of values and adds no step for Back. Here `?lang=so` means what it says, and Back works.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from optical_core.wording import listed

_SEEN = "_address"
"""Session key: each parameter's texts when this page last read or wrote them."""
_OFFERED = "_address_offered"
"""Session key: each control's (options, default) when it was last drawn."""
_REFUSED = "_address_refused"
"""Session key: sentences on the values in the address that this run doesn't show."""
_NOTHING = [""]
"""A parameter's texts if nothing is chosen. Without the parameter, the default is."""


def start() -> None:
    """Begin a run of the script, with nothing to write yet."""
    st.session_state["_address_new"] = {}
    st.session_state[_REFUSED] = []


def refused() -> list[str]:
    """Sentences on the values in the address that this run couldn't show."""
    sentences: list[str] = st.session_state.get(_REFUSED, [])
    return sentences


def commit() -> None:
    """Write the controls' values into the address, as one step of the browser's history."""
    new: dict[str, list[str]] = st.session_state.get("_address_new", {})
    st.session_state[_SEEN] = dict(new)
    wanted = {key: values for key, values in new.items() if values}
    current = {key: st.query_params.get_all(key) for key in st.query_params}
    if current != wanted:
        st.query_params.from_dict(wanted)


def bound(
    widget: Callable[..., Any],
    label: str,
    options: Sequence[Any] | None = None,
    *,
    key: str,
    default: Any,
    read: Callable[[str], Any] = str,
    **settings: Any,
) -> Any:
    """Draw `widget` with its value in the address. A default value isn't written there by itself.

    If the address has a value that the widget doesn't know, the default is used, and `refused`
    says so. If the options change (another collection), a default value changes with them, and a
    choice that is no longer an option is reset.

    Args:
        default: A list or tuple means that the widget has many values, or none.
        read: Turns a parameter's text into a value.
    """
    many = isinstance(default, list | tuple)
    default = list(dict.fromkeys(default)) if many else default
    texts = st.query_params.get_all(key)
    moved = _moved(key, texts)
    if moved:
        st.session_state[key] = _parsed(texts, default, many, read)
    elif _outdated(key, options, default, many):
        st.session_state[key] = default
    st.session_state.setdefault(_OFFERED, {})[key] = (options and list(options), default)
    st.session_state[key] = _allowed(st.session_state[key], options, default, many)
    if many:
        # An address may name more than the widget takes, which would raise.
        st.session_state[key] = st.session_state[key][: settings.get("max_selections")]
    arguments = [label] if options is None else [label, options]
    value = widget(*arguments, key=key, **settings)
    plain = list(value) if many else value
    if moved and texts != _NOTHING:
        _refuse(label, texts if many else texts[-1:], plain, read, settings.get("format_func", str))
    # A default that a link names stays: a shorter address would be a further step for Back.
    named = bool(texts) and _parsed(texts, None, many, read) == plain
    if value is None or (plain == default and not named):
        written = []
    else:
        written = [str(part) for part in plain] or _NOTHING if many else [str(plain)]
    st.session_state["_address_new"][key] = written
    return value


def undrawn(label: str, options: Sequence[Any] | None = None, *, key: str, **settings: Any) -> Any:
    """Stand in for the widget of `bound` where it isn't seen: the value is kept, nothing drawn."""
    return st.session_state[key]


def held(key: str) -> str | None:
    """Read a value in the address that has no widget. Change it with `hold`."""
    texts = st.query_params.get_all(key)
    if _moved(key, texts):
        st.session_state[key] = texts[-1] if texts else None
    value: str | None = st.session_state[key]
    st.session_state["_address_new"][key] = [value] if value else []
    return value


def hold(key: str, value: str | None) -> str | None:
    """Change and return a value in the address that has no widget."""
    st.session_state[key] = value
    st.session_state["_address_new"][key] = [value] if value else []
    return value


def refuse(label: str, texts: Sequence[str], instead: Sequence[str] = ("nothing",)) -> None:
    """Note for `refused` that values in the address aren't shown, and what is instead."""
    named = listed([repr(text[:60]) for text in texts])
    st.session_state[_REFUSED].append(
        f"{label}: the address asks for {named}, which can't be chosen here; shown instead: "
        f"{listed(instead)}."
    )


def switch(
    widget: Callable[..., bool], label: str, *, key: str, value: str, **settings: Any
) -> bool:
    """Draw one of many switches that share a parameter: on if the address has its `value`."""
    name, texts = f"{key}-{value}", st.query_params.get_all(key)
    seen = st.session_state.get(_SEEN, {}).get(key, [])
    if name not in st.session_state or (value in texts) != (value in seen):
        st.session_state[name] = value in texts
    on = widget(label, key=name, **settings)
    values: list[str] = st.session_state["_address_new"].setdefault(key, [])
    if on:
        values.append(value)
    return on


def refuse_undrawn(label: str, *, key: str) -> None:
    """Note which values of the switches' parameter `key`, all drawn by now, have no switch."""
    seen = st.session_state.get(_SEEN, {}).get(key, [])
    drawn = st.session_state["_address_new"].get(key, [])
    if lost := [t for t in st.query_params.get_all(key) if t not in drawn and t not in seen]:
        refuse(label, lost)


def _outdated(key: str, options: Sequence[Any] | None, default: Any, many: bool) -> bool:
    """Is the value the previous default, or a choice that is no longer an option?"""
    offered = st.session_state.get(_OFFERED, {}).get(key)
    if offered is None or offered == (options and list(options), default):
        return False
    value = st.session_state[key]
    chosen = value if many and isinstance(value, list | tuple) else [value]
    return value == offered[1] or (options is not None and any(c not in options for c in chosen))


def _moved(key: str, texts: list[str]) -> bool:
    """Has the address changed since this session last read it (a link, or Back)?"""
    seen = st.session_state.get(_SEEN, {}).get(key, [])
    return key not in st.session_state or texts != seen


def _parsed(texts: list[str], default: Any, many: bool, read: Callable[[str], Any]) -> Any:
    if not texts:
        return default
    if many and texts == _NOTHING:
        return []
    try:
        return [read(text) for text in texts] if many else read(texts[-1])
    except ValueError:
        return default


def _refuse(
    label: str,
    texts: Sequence[str],
    shown: Any,
    read: Callable[[str], Any],
    name: Callable[[Any], str],
) -> None:
    """Note which of a parameter's texts a widget doesn't show."""
    values = shown if isinstance(shown, list) else [shown]

    def fits(text: str) -> bool:
        try:
            return read(text) in values
        except ValueError:
            return False

    if lost := [text for text in texts if not fits(text)]:
        refuse(label, lost, [name(value) for value in values] or ["nothing"])


def _allowed(value: Any, options: Sequence[Any] | None, default: Any, many: bool) -> Any:
    if options is None:
        return value
    if many:
        kept = [part for part in dict.fromkeys(value) if part in options]
        usual = [part for part in dict.fromkeys(default) if part in options]
        return usual if value and not kept else kept
    if value in options:
        return value
    return default if default in options else next(iter(options), None)
