"""Main flows in a real browser: deep links, clicks, keyboard, a telephone, the dark theme."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from urllib.parse import quote

import pytest

from tests.browser.server import drawn

# On a machine that does something else beside it, a browser may be late: one more try for that.
pytestmark = [pytest.mark.slow, pytest.mark.flaky(reruns=1, only_rerun="TimeoutError")]

PAGES = {
    "/": "OPTICAL Workbench",
    "/start": "OPTICAL Workbench",
    "/alignment": "Alignment",
    "/gaps": "Language gaps",
    "/search": "Live search",
    "/inspector": "Query inspector",
    "/train": "Train",
    "/collections": "Collections",
    "/judge": "Judge",
    "/stories": "Stories",
}


READ = """() => {
  const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
  const opaque = ([r, g, b, a = 1]) => [r, g, b, a];
  const over = (top, under) => [0, 1, 2].map(i => top[i] * top[3] + under[i] * (1 - top[3]));
  const light = rgb => {
    const [r, g, b] = rgb.map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  for (const element of document.querySelectorAll('main p, main span, main button, main h2')) {
    const text = [...element.childNodes].filter(n => n.nodeType === 3).map(n => n.data).join('');
    const style = getComputedStyle(element);
    if (!text.trim() || !element.offsetWidth || style.visibility === 'hidden') continue;
    if (element.closest('[disabled], [aria-disabled=true], [data-testid=stSlider]')) continue;
    if (element.closest('[data-testid=stIconMaterial]')) continue;
    let ground = [255, 255, 255], strength = 1;
    const above = [];
    for (let e = element; e; e = e.parentElement) above.unshift(getComputedStyle(e));
    for (const one of above) {
      ground = over(opaque(numbers(one.backgroundColor)), ground);
      strength *= Number(one.opacity);
    }
    const ink = opaque(numbers(style.color));
    const shown = over([...ink.slice(0, 3), ink[3] * strength], ground);
    const [high, low] = [light(shown), light(ground)].sort((a, b) => b - a);
    found.push([(high + 0.05) / (low + 0.05), text.trim().slice(0, 40)]);
  }
  return found;
}"""


@pytest.mark.parametrize("path", PAGES)
def test_a_deep_link_opens_its_page_on_a_telephone(visit, path):
    page = visit(390, 844, "dark").open(path, PAGES[path])
    assert page.locator("[data-testid=stException]").count() == 0
    title = {"/": "Start", "/start": "Start"}.get(path, PAGES[path])
    assert page.get_by_role("dialog").count() == 0
    page.wait_for_function("title => document.title.startsWith(title + ' · ')", arg=title)
    levels = page.locator("h1, h2, h3, h4").evaluate_all("all => all.map(e => +e.tagName[1])")
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")
    assert ground(page) < 380


def ground(page) -> int:
    """How light the page's ground is, from 0 to 765."""
    colour = page.evaluate(
        "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
    )
    return sum(int(part) for part in re.findall(r"\d+", colour)[:3])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_of_the_alignment_page_can_be_read(visit, scheme):
    page = visit(scheme=scheme).open("/alignment?model=embedded&show=chips", "Alignment")
    page.get_by_role("radio", name="chips").first.wait_for()
    page.wait_for_function(
        "getComputedStyle(document.querySelector("
        "'[data-testid=stCaptionContainer]')).opacity !== '0.6'"
    )
    found = page.evaluate(READ)
    assert len(found) > 20
    assert [(round(ratio, 2), text) for ratio, text in found if ratio < 4.5] == []


def test_a_link_to_a_view_shows_that_view(visit):
    page = visit().open("/alignment?lang=sw&need=earth-q03&unit=token&model=embedded")
    assert page.get_by_text("Cost ⟨P, C⟩").count() == 1
    page.locator(".flow .word", has_text="Af").first.wait_for()


def test_a_change_goes_into_the_address_and_back_undoes_it(visit):
    one = visit()
    page = one.open("/alignment?model=embedded")
    page.get_by_role("button", name="heatmap").or_(
        page.get_by_role("radio", name="heatmap")
    ).first.click()
    page.wait_for_url("**show=heatmap**")
    one.settle()
    page.go_back()
    page.wait_for_url(lambda url: "heatmap" not in url)
    one.settle()
    assert page.locator("[data-testid=stException]").count() == 0


def test_a_choice_that_was_cleared_stays_so_after_a_reload(visit):
    one = visit()
    page = one.open("/search?model=bm25", "Live search")
    page.get_by_label("Clear all").first.click()
    page.wait_for_url("**model=")
    page.reload()
    page.get_by_text("Choose at least one model.").wait_for()


def test_clicking_a_cell_of_the_heatmap_pins_its_row(visit):
    one = visit()
    page = one.open("/alignment?lang=sw&need=earth-q03&model=embedded&show=heatmap")
    points = page.locator(".js-plotly-plot g.points path")
    points.first.wait_for()
    drawn(page)
    points.first.click(force=True)
    page.wait_for_url("**pin=left.0**")


def test_the_main_flow_of_search(visit):
    one = visit()
    page = one.open("/search?in=small&lang=sw&need=earth-q03&model=embedded&model=bm25")
    assert page.get_by_text(" ms").count() == 2
    page.locator("label", has_text="Why rank 1?").first.click()
    page.get_by_text("The contributions add up to").first.wait_for()
    page.get_by_role("button", name="Compare with rank 2").click()
    page.wait_for_url("**compare=True**")
    page.get_by_text("is ahead by").wait_for()
    chart = page.locator(".st-key-winning-picture .barlayer path")
    chart.first.wait_for(state="attached")
    words = page.locator(".st-key-winning-picture .ytick text").count()
    assert chart.count() == 3 * words  # both scores and their difference
    one.choose("Against", "rank 3")
    page.wait_for_url("**over=embedded**")
    page.get_by_text("Why did this one win?").click()
    page.get_by_text("is ahead by").wait_for(state="detached")
    page.wait_for_url(lambda url: "over=" not in url)
    page.get_by_role("link", name="Marathi").first.click()
    page.wait_for_url("**lang=mr**")
    one.settle()
    assert "in=small" in page.url
    assert page.locator("[data-testid=stException]").count() == 0


def test_search_by_keyboard_alone(visit):
    one = visit()
    page = one.open("/search?in=small&model=embedded")
    box = page.get_by_role("textbox", name="Your query, in any language")
    box.focus()
    page.keyboard.type("deepest lake")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=deepest**")
    page.get_by_text("Lake Tanganyika").first.wait_for()


def test_the_inspector_opens_a_query_in_search_with_its_state(visit):
    one = visit()
    page = one.open("/inspector?results=ntrex128")
    page.locator("[data-testid=stDataFrame] canvas").first.wait_for()
    grid = page.locator("[data-testid=stDataFrame]").first.bounding_box()
    page.mouse.click(grid["x"] + 18, grid["y"] + 55)
    page.get_by_text("Install the collection").wait_for()


def test_pictures_follow_the_theme_while_a_page_is_open(visit):
    page = visit().open("/gaps?results=ntrex128")
    ground = "e => getComputedStyle(e.querySelector('.main-svg')).backgroundColor"
    picture = page.locator(".st-key-gap-picture")
    picture.locator(".barlayer path").first.wait_for(state="attached")
    assert picture.evaluate(ground) == "rgb(255, 255, 255)"
    page.emulate_media(color_scheme="dark")
    # While it is drawn again, the picture isn't there.
    page.wait_for_function(
        "() => [...document.querySelectorAll('.st-key-gap-picture .main-svg')].some("
        "e => getComputedStyle(e).backgroundColor === 'rgb(23, 22, 20)')"
    )


def test_gaps_compare_uploaded_runs(visit, tmp_path):
    (tmp_path / "mine.so.run").write_text("q1 Q0 d1 1 1.0 x\nq2 Q0 d3 1 1.0 x\n")
    (tmp_path / "qrels.txt").write_text("q1 0 d1 1\nq2 0 d2 1\n")
    one = visit()
    page = one.open("/gaps")
    page.get_by_text("Bring your own runs").click()
    inputs = page.locator("input[type=file]")
    inputs.nth(0).set_input_files(str(tmp_path / "mine.so.run"))
    inputs.nth(1).set_input_files(str(tmp_path / "qrels.txt"))
    page.get_by_test_id("stFileChipName").nth(1).wait_for()
    page.get_by_role("progressbar").wait_for(state="detached")
    one.settle()
    page.get_by_role("button", name="Add", exact=True).click()
    page.wait_for_url("**results=upload**")
    one.settle()
    assert page.get_by_text("Sources of the numbers – mine: upload.").is_visible()
    assert page.locator("[data-testid=stException]").count() == 0


def test_a_collection_is_imported_looked_at_and_removed(visit, workspace):
    source = workspace / "given" / "mine"
    (source / "queries").mkdir(parents=True, exist_ok=True)
    (source / "corpus.jsonl").write_text('{"_id": "d1", "title": "Sea", "text": "Salt water."}\n')
    (source / "queries" / "sw.jsonl").write_text('{"_id": "q1", "text": "maji ya bahari"}\n')
    (source / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\n")
    one = visit()
    page = one.open("/collections")
    page.get_by_text("Bring your own collection").click()
    one.choose("Format", "BEIR")
    page.get_by_role("textbox", name="Name").fill("mine")
    page.get_by_role("textbox", name="or a folder on this machine").fill(str(source))
    page.keyboard.press("Enter")
    one.settle()
    page.get_by_role("button", name="Import").click()
    page.get_by_text("mine: 1 passage, 1 language.").wait_for()
    page.goto(one.site + "/collections?show=mine")
    page.get_by_text("maji ya bahari").first.wait_for()
    one.settle()
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("button", name="Yes, remove it").click()
    page.get_by_text("maji ya bahari").first.wait_for(state="detached")


def test_passages_are_graded_by_keyboard(visit, workspace):
    source = workspace / "collections" / "to-judge"
    (source / "queries").mkdir(parents=True, exist_ok=True)
    rows = [{"_id": f"d{n}", "title": "", "text": f"Salt water {n}."} for n in (1, 2)]
    (source / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (source / "queries" / "en.jsonl").write_text('{"_id": "q1", "text": "salt water"}\n')
    (source / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n")
    info = {"name": "to-judge", "licence": "CC0", "source": "the tests", "parallel": True}
    (source / "collection.json").write_text(json.dumps(info | {"languages": ["en"]}))
    judging = workspace / "judging" / "to-judge"
    judging.mkdir(parents=True, exist_ok=True)
    items = [{"language": "", "query": "q1", "passage": f"d{n}"} for n in (1, 2)]
    pool = {"collection": "to-judge", "models": ["bm25"], "depth": 2, "items": items}
    (judging / "pool.json").write_text(json.dumps(pool))
    (judging / "ann.tsv").unlink(missing_ok=True)  # of a run before this one
    one = visit()
    page = one.open("/judge?in=to-judge")
    # The keys come right after the name: none of them may be written into its field.
    page.get_by_label("Your name, as judge").fill("ann")
    page.keyboard.press("Enter")
    page.get_by_text("0 of 2 judged").wait_for()
    assert page.get_by_text("Session key").count() == 0
    for key, done in (("1", "1 of 2"), ("b", "0 of 2"), ("2", "1 of 2"), ("0", "2 of 2")):
        one.settle()  # the count comes first; "Back" can be pressed at the script's end
        page.keyboard.press(key)
        page.get_by_text(f"{done} judged").wait_for()
    assert (judging / "ann.tsv").read_text() == "\tq1\td1\t2\n\tq1\td2\t0\n"
    page.get_by_role("button", name="Write the judgements").click()
    page.get_by_text("2 judgements written to to-judge").wait_for()
    assert "q1\td1\t2" in (source / "qrels.tsv").read_text()


def test_a_training_is_stopped_goes_on_and_its_student_appears(visit, workspace):
    bitext = workspace / "train.sw.tsv"
    lines = [f"The sea number {i} is salty.\tBahari namba {i} ina chumvi." for i in range(40)]
    bitext.write_text("\n".join(lines) + "\n", encoding="utf-8")
    one = visit()
    page = one.open("/train?from=folder&steps=24")
    page.get_by_label("Name of the student").fill("browser-student")
    page.get_by_label("Path on this machine").fill(str(bitext))
    page.keyboard.press("Enter")
    one.settle()
    page.get_by_role("button", name="Start").click()
    page.get_by_text("browser-student").first.wait_for()
    page.reload()
    page.get_by_text(re.compile(r"^\d+ of 24 steps, loss")).wait_for(timeout=180_000)
    page.get_by_role("button", name="Stop").click()
    page.get_by_text(re.compile(r"Resume goes on after step \d+")).wait_for()
    assert page.get_by_text("stopped", exact=True).is_visible()
    record = json.loads((workspace / "runs" / "browser-student" / "job.json").read_text())
    assert record["state"] == "stopped"
    assert not (workspace / "models" / "browser-student").exists()
    page.reload()
    page.get_by_role("button", name="Resume").click()
    page.get_by_text("finished").first.wait_for(timeout=180_000)
    other = workspace / "runs" / "other"
    other.mkdir()
    settings = json.loads((workspace / "runs" / "browser-student" / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(settings | {"name": "other", "steps": 7}))
    (other / "log.csv").write_text("step,loss,optical\n1,0.5,0.5\n2,0.4,0.4\n")
    one.open("/train?run=browser-student&run=other", "Compare trainings")
    page.locator(".st-key-overlay-Loss .legendtext").nth(1).wait_for()
    lines = page.locator(".st-key-overlay-Loss .legendtext").all_text_contents()
    assert sorted(lines) == ["browser-student", "other"]
    page.get_by_role("link", name="Search with it").click()
    page.wait_for_url("**model=browser-student**")


def test_typed_markup_never_runs(visit):
    text = "<img src=x onerror=alert(1)><script>alert(1)</script>\u202eabc"
    one = visit()
    asked = []
    one.page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page = one.open("/search?in=small&model=embedded")
    page.get_by_role("textbox", name="Your query, in any language").fill(text)
    page.keyboard.press("Enter")
    one.settle()
    page.goto(f"{one.site}/alignment?model=embedded&show=chips&a={json.dumps(text)}")
    page.locator("h1").first.wait_for()
    one.settle()
    assert asked == []


def test_an_error_with_markup_in_it_is_plain_text(visit):
    one = visit()
    text = "![x](http://elsewhere.test/p.png) [sign in](http://elsewhere.test) www.elsewhere.test"
    page = one.open(f"/alignment?model=embedded&gold={quote('/nowhere/' + text)}", "Alignment")
    alert = page.locator("[data-testid=stAlert]", has_text="is outside")
    assert text in alert.inner_text().replace("\u2060", "")
    assert page.locator("[data-testid=stAlert] :is(a, img)").count() == 0
    assert one.outside == []


def test_tabs_do_not_mix(visit):
    needs = [f"earth-q{number:02}" for number in range(1, 6)]
    tabs = [visit() for _ in needs]
    for tab, need in zip(tabs, needs, strict=True):
        tab.page.goto(f"{tab.site}/alignment?lang=sw&model=embedded&need={need}")
    for tab in tabs:
        tab.page.get_by_text("Cost ⟨P, C⟩").first.wait_for(timeout=120_000)
    for tab, need in zip(tabs, needs, strict=True):
        assert f"need={need}" in tab.page.url
        assert tab.page.locator("[data-testid=stException]").count() == 0


def test_tables_pictures_and_plans_are_downloaded(visit, tmp_path):
    one = visit()
    page = one.open("/gaps?results=demo&details=numbers")

    def saved(key: str, name: str, beside: str = "") -> bytes:
        one.settle()
        drawn(page)  # what is drawn later would move the list out of the window
        page.locator(f".st-key-files-{key} button").first.click()
        page.get_by_role("button", name=beside or name, exact=True).wait_for()
        with page.expect_download() as got:
            page.get_by_role("button", name=name, exact=True).click()
        got.value.save_as(tmp_path / name)
        page.keyboard.press("Escape")
        return (tmp_path / name).read_bytes()

    assert json.loads(saved("measures", "measures.json"))[0]["model"] == "embedded"
    assert rb"\toprule" in saved("paper", "paper.tex", beside="gap.csv")
    assert saved("gap-picture", "gap.pdf").startswith(b"%PDF")
    page.goto(f"{page.url.split('/gaps')[0]}/alignment?lang=sw&need=earth-q03")
    page.get_by_text("Cost ⟨P, C⟩").nth(1).wait_for()
    assert b"tikzpicture" in saved("plans", "plan-embedded.tex")
    assert saved("plans", "alignment.svg").startswith(b"<?xml")
