"""Conditions on passages' fields: what they choose, and what they can't do."""

import time

import pytest

from optical_core.data import where
from optical_core.data.collection import Passage
from optical_core.data.where import FieldTable
from optical_core.errors import InputError


def table(*fields):
    return FieldTable(Passage(f"p{n}", f"Title {n}", "", each) for n, each in enumerate(fields))


NEWS = table(
    {"year": 2019, "source": "bbc", "live": True, "place": {"town": "Lamu"}},
    {"year": 2021, "source": "bbc", "tags": ["sea", "sun"]},
    {"year": "2023", "source": "it's", "score": 0.5},
    {"year": None, "day": "2024-05-01", "odd name": "x", "select": 1},
)


@pytest.mark.parametrize(
    ("condition", "chosen"),
    [
        ("year >= 2020 and source = 'bbc'", "1"),
        ("year >= 2020", "12"),
        ("year = '2021'", "1"),
        ("year is null", "3"),
        ("source = 'it''s'", "2"),
        ("live", "0"),
        ("score < 1", "2"),
        ("json_extract(place, '$.town') = 'Lamu'", "0"),
        ("place ->> '$.town' = 'Lamu'", "0"),
        ("tags like '%\"sun\"%'", "1"),
        ("date(day) > '2024-04-30'", "3"),
        ("\"odd name\" = 'x'", "3"),
        ('"select" = 1', "3"),
        ("_id in ('p0', 'p2')", "02"),
        ("title = 'Title 3' -- as a comment", "3"),
        ("year between 2018 and 2022", "01"),
        ("SOURCE = 'bbc'", "01"),
        ("1", "0123"),
        ("0", ""),
        ("case when year > 2020 then 1 end", "12"),
        ('"YEAR" > 2020 and source <> \'"yaer"\' -- "yaer"', "12"),
    ],
)
def test_a_condition_chooses_passages(condition, chosen):
    assert NEWS.matching(condition) == {f"p{digit}" for digit in chosen}


@pytest.mark.parametrize("condition", ['"yaer" >= 2020', 'source = "bbc"', '1 or "it\'s"'])
def test_a_mistyped_field_in_double_quotes_is_no_text(condition):
    with pytest.raises(InputError, match=r"there is no field .*texts are in single quotes"):
        NEWS.matching(condition)


HOSTILE = [
    "(select 1)",
    "_id in (select _id from passages)",
    "exists (select 1 from sqlite_master)",
    "1) union select name from sqlite_master --",
    "1) limit (5",
    "1 order by year",
    "1; drop table passages",
    "1); delete from passages; --",
    "1) then 1 end; pragma user_version; --",
    "load_extension('/tmp/x')",
    "readfile('/etc/passwd')",
    "writefile('/tmp/x', 'x')",
    "randomblob(1000000000)",
    "zeroblob(1000000000)",
    "printf('%1000000000d', 1)",
    "replace(hex(zeroblob(100000)), '0', 'xxxxxxxxxx')",
    "fts3_tokenizer('simple')",
    "sqlite_version()",
    "attach 'x' as y",
    "pragma table_info(passages)",
    "(with recursive c(x) as (select 1 union all select x + 1 from c) select max(x) from c)",
    "count(*) > 0",
    "sum(year) over ()",
    "year match 'x'",
    "year regexp 'x'",
    "raise(abort, 'x')",
    "rowid = ?",
    ":name",
    "sqlite_master.name = 'x'",
    "(" * 150 + "1" + ")" * 150,
    " and ".join(["1"] * 390),
    "title like '" + "%a" * 150 + "'",
    "x" * (where.LONGEST + 1),
    "nothing = 1",
    "",
    "  ",
    "year >",
    "'",
    "\x00",
    "year = 1 \ud800",
    "--",
    "/*",
]


@pytest.mark.parametrize("condition", HOSTILE)
def test_what_is_no_condition_on_the_fields_is_one_sentence(condition):
    begin = time.perf_counter()
    with pytest.raises(InputError) as refusal:
        NEWS.matching(condition)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 400
    assert time.perf_counter() - begin < 1
    assert NEWS.matching("1") == {"p0", "p1", "p2", "p3"}


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ("(year > 2000", "a closing bracket is missing;"),
        ("year >", "a value is missing at its end"),
        ("year > 2000 and", "a value is missing at its end"),
        ("(", "a value is missing at its end"),
        ("year > 2000)", "a closing bracket that may be too many"),
    ],
)
def test_a_condition_that_is_cut_off_is_told_so_in_the_users_terms(condition, reason):
    with pytest.raises(InputError, match=reason):
        NEWS.matching(condition)


def test_a_condition_that_takes_long_is_stopped(monkeypatch):
    monkeypatch.setattr(where, "SECONDS", 0.05)
    many = table(*({"n": number} for number in range(50_000)))
    slow = " or ".join(["length(trim(title || n)) = 99"] * 60)
    with pytest.raises(InputError, match=r"takes more than 0.05 s"):
        many.matching(slow)
    assert len(many.matching("n < 7")) == 7


def test_a_pattern_with_many_wildcards_does_not_take_for_ever():
    titles = FieldTable(Passage(f"p{number}", "a" * 300, "") for number in range(50))
    begin = time.perf_counter()
    assert titles.matching("title like '" + "%a" * 60 + "%b'") == frozenset()
    assert time.perf_counter() - begin < 2


def test_the_same_condition_is_evaluated_once():
    assert NEWS.matching("year = 2019") is NEWS.matching("year = 2019")


def test_the_present_date_does_not_stay_that_of_the_first_search(monkeypatch):
    monkeypatch.setattr(where.time, "time", lambda: 0.0)
    first = NEWS.matching("date(day) < date('now')")
    monkeypatch.setattr(where.time, "time", lambda: 3600.0)
    assert NEWS.matching("date(day) < date('now')") is not first


def test_fields_that_differ_only_in_case_are_one():
    mixed = table({"Year": 2019}, {"year": 2021}, {"YEAR": 2021, "year": 2021}, {})
    assert mixed.matching("Year >= 2020") == mixed.matching("year >= 2020") == {"p1", "p2"}
    assert mixed.names == ("_id", "title", "year")


def test_capitals_beyond_ascii_are_letters_of_their_own():
    teams = table({"Équipe": "a"}, {"équipe": "a"})
    assert teams.matching("Équipe = 'a'") == teams.matching("\"Équipe\" = 'a'") == {"p0"}
    assert teams.matching("équipe = 'a'") == {"p1"}


def test_without_fields_ids_and_titles_can_be_chosen():
    assert table({}, {}).matching("_id = 'p1'") == {"p1"}
    assert FieldTable([]).matching("1") == frozenset()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ([{"Year": 1, "year": 2}], "'p0' has two values for the field 'year'"),
        ([{"TITLE": 1}], "two values for the field 'title'"),
        ([{f"f{n}": 1} for n in range(where.MOST_FIELDS + 1)], "501 different fields"),
    ],
)
def test_fields_that_cannot_be_columns_are_one_sentence(fields, message):
    with pytest.raises(InputError, match=message):
        table(*fields)


def test_values_of_every_kind_are_taken():
    odd = table(
        {"n": 10**30},
        {"n": -(2**70)},
        {"n": 10**400},
        {"n": float("nan")},
        {"n": "\u0000x"},
        {"n": [[]]},
        {'q"uote': 1},
        {"": 1},
        {"n": "007"},
    )
    assert odd.matching("n > 100000") >= {"p0"}
    assert odd.matching("n = '007'") == {"p8"}
    assert odd.matching('"q""uote" = 1') == {"p6"}
