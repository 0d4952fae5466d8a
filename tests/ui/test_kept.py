import threading
import weakref

import pytest

from optical_core.ui.kept import LIMIT, Kept


class Thing:
    pass


def test_a_value_is_made_once_and_again_at_another_stamp():
    kept, made = Kept({}), []

    def make():
        made.append(Thing())
        return made[-1]

    assert kept.get("thing", "a", make, stamp=1) is kept.get("thing", "a", make, stamp=1)
    assert kept.get("thing", "a", make, stamp=2) is made[1]
    assert kept.get("other", "a", make, stamp=2) is made[2]
    assert len(made) == 3


def test_none_is_a_value_too():
    kept, asked = Kept({}), []
    for _ in range(2):
        assert kept.get("thing", "a", lambda: asked.append(1)) is None
    assert asked == [1]


def test_an_outdated_value_is_let_go_at_once():
    kept = Kept({})
    old = weakref.ref(kept.get("thing", "a", Thing, stamp=1))
    kept.get("thing", "a", Thing, stamp=2)
    assert old() is None


def test_the_least_recently_used_go_first():
    kept = Kept({"thing": 2})
    first, second = (weakref.ref(kept.get("thing", key, Thing)) for key in "ab")
    assert kept.get("thing", "a", Thing) is first()
    kept.get("thing", "c", Thing)
    assert first() is not None
    assert second() is None
    for key in range(LIMIT + 1):
        kept.get("of no limit", key, Thing)
    assert len(kept.values("of no limit")) == LIMIT


def test_one_thread_makes_a_value_while_the_others_wait_and_nobody_else_does():
    kept, made, results = Kept({}), [], []
    begun, go_on = threading.Event(), threading.Event()

    def slow():
        begun.set()
        assert go_on.wait(10)
        made.append(Thing())
        return made[-1]

    threads = [
        threading.Thread(target=lambda: results.append(kept.get("thing", "a", slow)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    assert begun.wait(10)
    # Another key is not waited for.
    assert isinstance(kept.get("thing", "b", Thing), Thing)
    assert results == []
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert len(made) == 1
    assert results == made * 8


def test_what_fails_is_tried_again():
    kept = Kept({})
    with pytest.raises(ZeroDivisionError):
        kept.get("thing", "a", lambda: 1 // 0)
    assert kept.values("thing") == []
    assert kept.get("thing", "a", lambda: 7) == 7


def test_cleared_it_keeps_nothing():
    kept = Kept({})
    value = weakref.ref(kept.get("thing", "a", Thing))
    kept.clear()
    assert value() is None
