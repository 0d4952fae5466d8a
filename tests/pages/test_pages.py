"""Every page runs and shows what it should, on a tiny demo with the real encoder."""

import json
import shutil

import pytest
from filelock import FileLock
from streamlit.testing.v1 import AppTest

from optical_core.study.evaluate import evaluate
from optical_core.study.results import find_results, read_values, write_values
from optical_core.ui.examples import AHEAD, BEHIND
from tests.pages.checks import assert_contributions_add_up, flows, shown, why

NASTY = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\u202ereversed",
    "x" * 10_000,
    "🦁🌍👩🏾‍🔬",
    "a\x00b\x07c",
    "**bold** [link](http://x) $x$",
]


def html(app: AppTest) -> str:
    return " ".join(element.proto.body for element in app.get("html"))


def figures(app: AppTest) -> list[dict]:
    return [json.loads(element.proto.spec) for element in app.get("plotly_chart")]


@pytest.mark.slow
def test_start_says_what_it_is_and_shows_a_query_before_and_after(open_page):
    app = open_page()
    assert app.title[0].value == "OPTICAL Workbench"
    links = [element.proto.label for element in app.get("page_link")]
    assert links == [
        "**How large is the gap?**",
        "**How are the words matched?**",
        "**Ask in your own words**",
    ]
    ranks = [element.value for element in app.markdown if ": rank " in element.value]
    assert [rank.split(":")[0] for rank in ranks] == ["English", "Swahili"]
    assert {tuple(flow["left"]["words"][:3]) for flow in flows(app)} == {("kwa", "nini", "bahari")}
    assert html(app).count("why is the sea salty ?") == 2  # by itself, and under the Swahili
    assert any("Collection: demo" in element.value for element in app.text)


@pytest.mark.slow
def test_alignment_shows_both_texts_and_the_address_decides(open_page):
    app = open_page("alignment", lang="sw", need="q2", model=["embedded"], unit="token")
    assert flows(app)[0]["right"]["words"] == ["where", "is", "the", "fish"]
    assert any("Cost ⟨P, C⟩" in element.value for element in app.caption)


@pytest.mark.slow
def test_alignment_takes_typed_texts_and_every_solver(open_page):
    app = open_page("alignment", a="maji", b="water", model=["embedded"])
    assert any("entropy" in element.value for element in app.caption)
    for solver in ("sinkhorn", "ipot", "unbalanced"):
        app = open_page(
            "alignment",
            a="maji ya bahari",
            b="sea water",
            solver=solver,
            model=["embedded"],
            eps="0.5",
        )
        assert any(solver in element.value for element in app.caption)


@pytest.mark.slow
def test_alignment_with_masks_says_where_the_mass_is(open_page):
    app = open_page("alignment", marginals="mask-augmented", model=["embedded"], lang="sw")
    assert any("between [MASK]s" in element.value for element in app.caption)


@pytest.mark.slow
def test_alignment_pins_a_token_from_the_address(open_page):
    app = open_page("alignment", pin="left.0", model=["embedded"], lang="sw")
    assert flows(app)[0]["pinned"] == ["left", 0]
    app.button[0].click().run()
    assert "pin" not in app.query_params


@pytest.mark.slow
def test_alignment_overlays_gold_links_and_gives_aer(open_page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dev.tsv").write_text("the sea\tel mar azul\t0-0 1-1\n")
    app = open_page("alignment", gold=str(tmp_path / "dev.tsv"), show="heatmap", model=["embedded"])
    assert any("AER" in element.value for element in app.caption)
    assert "gold" in [trace.get("name") for trace in figures(app)[0]["data"]]
    app.text_input(key="gold").input("nowhere.tsv").run()
    assert "no such file" in app.error[0].value
    app.text_input(key="gold").input("/etc/passwd").run()
    assert "is outside" in app.error[0].value


@pytest.mark.slow
@pytest.mark.parametrize("text", NASTY)
def test_alignment_survives_any_text(open_page, text):
    app = open_page("alignment", a=text, model=["embedded"], show="chips")
    assert "<script" not in html(app)
    assert "<img" not in html(app)


@pytest.mark.slow
def test_a_text_without_tokens_is_a_sentence(open_page):
    app = open_page("alignment", a="\u200b", model=["embedded"], lang="sw")
    assert not app.exception


@pytest.mark.slow
def test_unknown_values_in_the_address_fall_back_to_the_default(open_page):
    app = open_page("alignment", lang="xx", eps="many", solver="magic", model=["none"])
    assert app.selectbox(key="solver").value == "exact"


def test_search_ranks_and_marks_what_is_relevant(open_page):
    app = open_page("search", lang="en", need="q1", model=["embedded", "bm25"])
    shown = " ".join(element.value for element in app.markdown)
    assert "relevant 2" in shown
    assert "the sea is salty water" in html(app)
    foreign = html(open_page("search", lang="sw", need="q1", model=["bm25"]))
    assert foreign.index("kwa nini bahari ni chumvi ?") < foreign.index("why is the sea salty ?")
    assert sum("AP " in element.value for element in app.caption) == 2


@pytest.mark.slow
def test_search_explains_a_result(open_page):
    app = open_page("search", q="salty sea", model=["embedded"])
    why(app).set_value(True).run()
    assert not app.exception
    assert_contributions_add_up(app)
    assert "<mark" in html(app)
    next(button for button in app.button if button.label == "Compare with rank 2").click().run()
    assert app.selectbox(key="win").value == "embedded:p1"
    assert any("is ahead by" in element.value for element in app.markdown)
    assert "".join(app.query_params["compare"]) == "True"


@pytest.mark.slow
@pytest.mark.parametrize("text", NASTY)
def test_search_survives_any_text(open_page, text):
    app = open_page("search", q=text[:1000], model=["bm25", "embedded"])
    assert "<script" not in html(app)
    assert "<img" not in html(app)


@pytest.mark.slow
def test_search_without_a_model_says_what_to_do(open_page):
    app = open_page("search")
    app.multiselect(key="model").set_value([]).run()
    assert app.info[0].value == "Choose at least one model."
    assert app.query_params["model"] == ""
    app.multiselect(key="model").set_value(["bm25"]).run()
    assert not app.info


@pytest.mark.slow
def test_an_address_of_a_passage_that_is_not_found_is_told(open_page):
    app = open_page("search", q="salty sea", model=["bm25", "embedded"], why="embedded:nope")
    assert [info.value.replace("\u2060", "") for info in app.info] == [
        "Why: the address asks for 'embedded:nope', which can't be chosen here; shown instead: "
        "nothing."
    ]
    why(app).set_value(True).run()
    assert not app.info


@pytest.fixture
def measured(with_embedded, demo, home, shared):
    """An evaluation of the tiny demo by two models, made once, under $OPTICAL_HOME."""
    from optical_core.data.collection import open_collection

    once = shared / "tiny-demo-measured"
    with FileLock(f"{once}.lock"):
        if not once.is_dir():
            evaluate(open_collection("demo"), ["embedded", "bm25"], [], once)
    shutil.copytree(once, home / "results" / "demo")


def test_gaps_without_results_offers_to_evaluate(open_page):
    app = open_page("gaps")
    assert "No evaluation yet" in app.info[0].value
    assert any(button.label == "Evaluate" for button in app.button)


def test_gaps_shows_levels_differences_and_tables(measured, open_page):
    app = open_page("gaps")
    assert app.selectbox(key="results").value == "demo"
    drawn = figures(app)
    assert {trace.get("name") for trace in drawn[0]["data"]} >= {"embedded", "bm25"}
    assert len(drawn) == 2  # the gap, and the scatter of queries: pictures are slow to draw
    assert any("gap" in element.value.columns for element in app.dataframe)


def test_gaps_can_be_drawn_for_another_measure(measured, open_page):
    app = open_page("gaps", measure="nDCG@10", model=["embedded"])
    assert app.selectbox(key="measure").value == "nDCG@10"
    assert "nDCG@10" in figures(app)[0]["layout"]["xaxis"]["title"]["text"]
    assert "Choose a second model" in app.info[0].value


def test_gaps_lists_the_queries_behind_a_language_and_a_filter(measured, open_page):
    app = open_page("gaps", at="sw")
    listed = next(e.value for e in app.dataframe if "difficulty" in e.value.columns)
    assert set(listed["language"]) == {"Swahili"}
    asked = listed.set_index("english")["text"]
    assert asked["why is the sea salty ?"] == "kwa nini bahari ni chumvi ?"
    app = open_page("gaps", at="sw", change="same")
    drawn = [trace for trace in figures(app)[1]["data"] if trace.get("x")]
    assert all(trace["name"].startswith("the same") for trace in drawn)


def test_gaps_offers_the_measures_that_were_measured_and_says_what_is_judged(
    many_languages, home, open_page
):
    many_languages("elsewhere")
    for path in (home / "results" / "elsewhere").glob("*/*.csv"):
        values = read_values(path.read_text(), "")
        write_values(path, {"nDCG@20": values["nDCG@10"], "Judged@20": values["R@100"]} | values)
    app = open_page("gaps", results="elsewhere", measure="nDCG@20", on="demo")
    offered = ["MAP", "nDCG@10", "Recall@100", "nDCG@20", "Judged@20"]
    assert app.selectbox(key="measure").options == offered
    assert app.selectbox(key="measure").value == "nDCG@20"
    assert any("Judged@20: mine" in shown(caption) for caption in app.caption)
    app.multiselect(key="run-models").set_value(["bm25"])
    app.text_input(key="run-measures").set_value("nDGC@20")
    app.run()
    next(button for button in app.button if button.label == "Evaluate").click().run()
    assert "there is no measure 'nDGC'" in app.error[0].value
    app.text_input(key="run-measures").set_value("")
    app.multiselect(key="run-models").set_value([])
    app.text_input(key="run-join").set_value("rrf(bm25,bm25%5)")
    app.run()
    next(button for button in app.button if button.label == "Evaluate").click().run()
    assert (home / "results" / "demo-rrf-bm25-bm25-5" / "rrf-bm25-bm25-5" / "sw.run").is_file()


def test_gaps_compares_groups_and_tells_what_the_topics_can_show(measured, open_page):
    app = open_page("gaps", details="tests", low=["sw"])
    tables = [element.value for element in app.dataframe]
    groups = next(table for table in tables if "group" in table.columns)
    assert list(groups["group"]) == ["high-resource", "low-resource"]
    power = next(table for table in tables if "needed" in table.columns)
    assert set(power["language"]) == {"English", "Swahili"}


@pytest.mark.slow
def test_gaps_measures_query_costs_when_asked(measured, open_page):
    app = open_page("gaps", details="predictors")
    assert "query-costs" not in app.session_state
    next(button for button in app.button if "fertility" in button.label).click().run()
    assert not app.exception
    ((key, costs),) = app.session_state["query-costs"].items()
    assert key[0] == "demo"
    assert key[2:] == ("embedded", "sw")  # BM25 has no token vectors
    assert costs.transport > 0


def test_the_inspector_has_no_column_of_texts_that_it_lacks(many_languages, open_page):
    many_languages("elsewhere")
    app = open_page("inspector", results="elsewhere")
    assert json.loads(app.dataframe[0].proto.columns)["text"]["hidden"]


def test_gaps_and_inspector_without_texts_name_the_commands_that_bring_them(
    many_languages, home, open_page
):
    many_languages("ntrex128")
    shutil.copytree(home / "results/ntrex128/mine", home / "results/ntrex128/other")
    for page in ("gaps", "inspector"):
        app = open_page(page, results="ntrex128")
        assert any("only their ids are shown" in caption.value for caption in app.caption)
        assert "optical data import ntrex128" in app.code[0].value


@pytest.mark.slow
def test_tables_have_headings_in_words(many_languages, open_page):
    many_languages("elsewhere")
    app = open_page("gaps", results="elsewhere", details="predictors")
    tables = [json.loads(element.proto.columns) for element in app.dataframe]
    labels = [columns["p_permutation"]["label"] for columns in tables if "p_permutation" in columns]
    assert labels == ["p (permutation)"]


def test_gaps_shows_what_predicts_the_level_without_an_encoder(many_languages, open_page):
    many_languages("elsewhere")
    app = open_page("gaps", results="elsewhere", details="predictors")
    tables = {frozenset(element.value.columns): element.value for element in app.dataframe}
    correlations = next(table for names, table in tables.items() if "spearman" in names)
    assert list(correlations["predictor"]) == ["tokens in CC-100", "Latin script"]
    assert list(correlations["languages"]) == [9, 10]  # Yoruba is not in CC-100
    regression = next(table for names, table in tables.items() if "coefficient" in names)
    assert list(regression["term"]) == ["intercept", "tokens in CC-100", "Latin script"]
    titles = [figure["layout"]["xaxis"]["title"]["text"] for figure in figures(app)[-2:]]
    assert titles == ["tokens in CC-100, log10 of millions", "Latin script, as English"]
    assert not any("fertility" in button.label for button in app.button)


def test_an_address_that_names_more_than_a_control_takes_is_cut():
    app = AppTest.from_string(
        "import streamlit as st\nfrom pages.common import address\naddress.start()\n"
        "address.bound(st.multiselect, 'x', list('abc'), key='x', default=['a'],"
        " max_selections=2)\n"
    )
    app.query_params["x"] = ["a", "c", "b"]
    app.run()
    assert not app.exception
    assert app.multiselect(key="x").value == ["a", "c"]


def test_gaps_lays_published_figures_beside_a_miracl_collection(many_languages, open_page):
    many_languages("miracl-dev")
    many_languages("elsewhere")
    app = open_page("gaps", results="miracl-dev", lang=["sw", "te"])
    shown = next(e.value for e in app.dataframe if "from" in e.value.columns)
    assert list(shown["model"]) == ["BM25", "mDPR", "BM25 + mDPR", "mine"] * 2
    assert list(shown["topics"]) == [482] * 3 + [2] + [828] * 3 + [2]
    assert any("never the levels of two languages" in element.value for element in app.warning)
    app = open_page("gaps", results="elsewhere")
    assert not any("from" in element.value.columns for element in app.dataframe)


@pytest.mark.slow
def test_gaps_say_what_a_choice_leaves_out(measured, open_page):
    app = open_page("gaps", lang=["sw"])
    assert any("Left out" in e.value and "English" in e.value for e in app.caption)
    app = open_page("gaps")
    assert not any("Left out" in element.value for element in app.caption)


def test_the_inspector_opens_the_query_of_the_address_and_closes_it(measured, open_page):
    app = open_page("inspector", query="q1", at="sw")
    links = [element.proto.label for element in app.get("page_link")]
    assert links == ["Search in Swahili", "Align the Swahili"]
    assert sum(element.value.startswith("AP ") for element in app.caption) == 2
    ranks = app.dataframe[1].value
    assert list(ranks.columns) == ["embedded", "bm25", "passage"]
    assert html(app).count("why is the sea salty ?") == 1  # under the Swahili
    next(button for button in app.button if button.label == "Close").click().run()
    assert "query" not in app.query_params
    assert not app.get("page_link")
    app = open_page("inspector", query="of another collection")
    assert "query" not in app.query_params
    assert "Query: the address asks for 'of another collection'" in app.info[0].value


def test_inspector_lists_queries_and_their_extremes(measured, open_page):
    app = open_page("inspector", model="bm25", baseline="embedded")
    table = app.dataframe[0].value
    assert set(table["query"]) == {"q1", "q2", "q3"}
    assert "why is the sea salty ?" in set(table["text"])


def test_train_refuses_a_bad_name_and_bad_languages_with_a_sentence(open_page):
    app = open_page("train")
    start = next(button for button in app.button if button.label == "Start")
    start.click().run()
    assert any("name" in element.value for element in app.error)
    app.text_input[0].input("ok-name")
    app.text_input[1].input("klingon")
    next(button for button in app.button if button.label == "Start").click().run()
    assert any("klingon" in element.value for element in app.error)


def test_collections_shows_statistics_and_samples(open_page):
    app = open_page("collections", lang="sw")
    assert [metric.value for metric in app.metric][:2] == ["6", "2"]
    assert "kwa nini bahari ni chumvi ?" in html(app)


def test_collections_imports_a_folder_and_refuses_nonsense(open_page, collection, home):
    app = open_page("collections")

    def field(label):
        return next(field for field in app.text_input if field.label == label)

    field("Name").input("mine")
    for path, refusal in ((home / "nowhere", "no such folder"), ("/nowhere", "is outside")):
        field("or a folder on this machine").input(str(path))
        next(button for button in app.button if button.label == "Import").click().run()
        assert any(refusal in element.value for element in app.error)
    given = shutil.copytree(collection.folder, home / "given")
    field("or a folder on this machine").input(str(given))
    next(button for button in app.button if button.label == "Import").click().run()
    assert not app.exception
    assert any("6 passages, 2 languages. Next, press “Index now”" in e.value for e in app.success)
    assert app.selectbox(key="show").value == "mine"
    assert app.query_params["show"] in ("mine", ["mine"])
    assert any(button.label == "Index now" for button in app.button)


@pytest.mark.slow
def test_judgements_that_count_for_nothing_are_told(measured, demo, open_page):
    assert not open_page("gaps", results="demo").warning
    with (demo / "demo" / "collection" / "qrels.tsv").open("a") as file:
        file.write("q1\tnowhere\t1\n")
    (demo / "demo" / "collection" / "collection.json").touch()
    for page in ("collections", "gaps"):
        (warning,) = open_page(page, show="demo", results="demo").warning
        assert "1 judgement names a passage that the corpus lacks" in warning.value


def test_the_first_example_shows_what_distillation_gains_and_the_next_one_what_it_loses():
    shipped = next(found for found in find_results() if found.collection == "demo").columns
    undistilled, student, bm25 = (
        shipped[model, "so", "AP"] for model in ("embedded", "optical-gloss", "bm25")
    )
    assert student[AHEAD] > undistilled[AHEAD] + 0.5 > bm25[AHEAD]
    assert student[BEHIND] < undistilled[BEHIND] - 0.3


@pytest.mark.slow
def test_models_may_be_joined_by_typing_and_each_parts_share_is_shown(open_page):
    app = open_page("search", model="bm25", join="bm25 >> 0.9*embedded+0.1*bm25", q="salty sea")
    assert "bm25%100>>0.9*embedded+0.1*bm25" in [shown(title) for title in app.header]
    lines = [shown(caption) for caption in app.caption]
    (first, *_) = [line for line in lines if line.startswith("bm25%100: rank ")]
    assert "embedded: " in first
    app = open_page("search", model="bm25", join="bm25>>nothing")
    assert "there is no model 'nothing' here" in app.error[0].value.replace("\\", "")
