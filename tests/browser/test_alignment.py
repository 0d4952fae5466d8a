"""The alignment page's own pictures in a real browser: mouse, touch, keyboard, what is said."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.flaky(reruns=1, only_rerun="TimeoutError")]

SHOWN = "/alignment?lang=sw&need=earth-q03&unit=token"
ENDS = """flow => {
  const ends = [[], []];
  for (const path of flow.querySelectorAll('path')) {
    const n = path.getAttribute('d').match(/-?[\\d.]+/g).map(Number);
    if (n.length) { ends[0].push([n[1], n.at(-1)]); ends[1].push([n[7], n[8]]); }
  }
  return ends;
}"""
"""Where the ribbons of a picture begin and end, on the left and on the right."""
BEGINNING = """flow => {
  const box = flow.querySelector('svg').getBoundingClientRect();
  const n = flow.querySelector('path.on').getAttribute('d').match(/-?[\\d.]+/g).map(Number);
  return [box.x + 2, box.y + (n[1] + n.at(-1)) / 2];
}"""
"""A point of a ribbon where no other lies."""


def flow(page, number: int = 0):
    found = page.locator(".flow").nth(number)
    found.locator("path").first.wait_for(state="attached")
    return found


def isolated(picture) -> int:
    """How many ribbons stand out; 0 if none is faded."""
    if "isolated" not in picture.get_attribute("class"):
        return 0
    return picture.locator("path.on").count()


def test_ribbons_fill_both_ends_without_overlap(visit):
    page = visit().open(SHOWN + "&model=embedded")
    left, right = flow(page).evaluate(ENDS)
    for ends in (left, right):
        ends.sort()
        assert all(after[0] >= before[1] - 0.05 for before, after in pairwise(ends))
    moved = [sum(high - low for low, high in ends) for ends in (left, right)]
    bands = [
        sum(
            flow(page)
            .locator(".bands")
            .nth(side)
            .locator("> i")
            .evaluate_all("all => all.map(band => parseFloat(band.style.height))")
        )
        for side in (0, 1)
    ]
    assert moved[0] == pytest.approx(moved[1], abs=0.5)
    assert bands[0] == pytest.approx(bands[1], abs=0.5)
    assert moved[0] == pytest.approx(bands[0], rel=0.01)


def test_the_mouse_isolates_a_token_s_links_in_both_pictures_without_a_rerun(visit):
    one = visit()
    page = one.open(SHOWN + "&model=embedded&model=optical-lowres")
    runs = page.evaluate(
        """() => {
          window.runs = 0;
          const app = document.querySelector('[data-testid=stApp]');
          new MutationObserver(() => window.runs++).observe(app, {
            attributeFilter: ['data-test-script-state'],
          });
          return window.runs;
        }"""
    )
    word = flow(page).locator(".left .word").nth(1)
    word.hover()
    assert isolated(flow(page)) >= 1
    assert isolated(flow(page, 1)) >= 1
    assert "cost" in flow(page).locator(".said").inner_text()
    page.mouse.move(*flow(page).evaluate(BEGINNING))
    assert isolated(flow(page)) == 1
    page.mouse.move(2, 2)
    assert isolated(flow(page)) == isolated(flow(page, 1)) == 0
    assert page.evaluate("window.runs") == runs


def test_pointing_answers_within_a_frame_or_two(visit):
    page = visit().open(SHOWN + "&model=embedded&solver=sinkhorn&eps=1")
    took = flow(page).evaluate(
        """flow => new Promise(done => {
          const words = [...flow.querySelectorAll('.word')], times = [];
          const next = () => {
            if (!words.length) return done(times.sort((a, b) => a - b));
            const began = performance.now();
            words.pop().dispatchEvent(new PointerEvent('pointerover', { bubbles: true }));
            requestAnimationFrame(() => setTimeout(() => {
              times.push(performance.now() - began);
              next();
            }));
          };
          next();
        })"""
    )
    assert took[int(0.95 * len(took))] < 50 + 25, took  # a frame waits for the next one


def test_a_click_pins_a_token_in_the_address_and_unpin_frees_it(visit):
    one = visit()
    page = one.open(SHOWN + "&model=embedded")
    flow(page).locator(".left .word").first.click()
    page.wait_for_url("**pin=left.0**")
    one.settle()
    page.mouse.move(2, 2)
    assert isolated(flow(page)) >= 1
    page.get_by_role("button", name="Unpin").click()
    page.wait_for_url(lambda url: "pin=" not in url)
    one.settle()
    assert isolated(flow(page)) == 0


def test_the_keyboard_walks_through_tokens_and_pins(visit):
    one = visit()
    page = one.open(SHOWN + "&model=embedded")
    picture = flow(page)
    picture.locator(".left .word").first.focus()
    page.keyboard.press("ArrowDown")
    focused = "picture => picture.getRootNode().activeElement.dataset"
    assert picture.evaluate(focused) == {"side": "left", "index": "1"}
    assert isolated(picture) >= 1
    page.keyboard.press("ArrowRight")
    assert picture.evaluate(focused)["side"] == "right"
    page.keyboard.press("Enter")
    page.wait_for_url("**pin=right.**")
    one.settle()
    assert flow(page).evaluate(focused)["side"] == "right"  # a rerun leaves the focus where it is
    page.keyboard.press("Escape")
    page.wait_for_url(lambda url: "pin=" not in url)
    label = flow(page).locator(".left .word").first.get_attribute("aria-label")
    assert ": to " in label
    assert "cost" in label


def test_a_tap_isolates_on_a_telephone(visit):
    one = visit(390, 844)
    page = one.open(SHOWN + "&model=embedded")
    picture = flow(page)
    word = picture.locator(".left .word").nth(2)
    word.scroll_into_view_if_needed()
    word.evaluate(
        """word => {
          const settings = { bubbles: true, pointerType: 'touch' };
          for (const kind of ['pointerover', 'pointerdown', 'pointerup', 'click', 'pointerout']) {
            word.dispatchEvent(new PointerEvent(kind, settings));
          }
        }"""
    )
    assert isolated(picture) >= 1
    page.wait_for_url("**pin=left.2**")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")


def test_the_change_is_the_student_s_plan_minus_the_first_one_s(visit):
    page = visit().open(SHOWN + "&model=embedded&model=optical-lowres&show=change")
    change = flow(page, 1)
    gained = change.locator("path:not(.lost)").count()
    assert change.locator("path.lost").count() > 0
    assert gained > 0
    assert flow(page).locator("path.lost").count() == 0
    assert page.get_by_text("of the mass goes elsewhere").count() == 1


def test_markup_in_a_text_is_text(visit):
    one = visit()
    page = one.open("/alignment?model=embedded&a=<img src=x onerror=alert(1)>&b=<b>sea</b>")
    words = flow(page).locator(".word").all_inner_texts()
    assert "<b>sea</b>" in words
    assert page.locator(".flow :is(img, .rows b b)").count() == 0
    assert flow(page).locator(".left .word").first.get_attribute("dir") == "auto"


def test_many_languages_stand_by_cost_follow_the_solver_and_keep_their_address(visit):
    one = visit()
    languages = "view=many&many=so&many=sw&many=mr&texts=am%3A%20ባሕር%20ለምን%20ጨዋማ%20ነው"
    page = one.open(f"/alignment?lang=sw&need=earth-q03&model=embedded&{languages}")
    rows = page.locator(".st-key-by-language .ytick text")
    rows.first.wait_for(state="attached")
    names = page.get_by_role("heading", level=3).all_inner_texts()
    assert sorted(names) == ["Amharic", "Marathi", "Somali", "Swahili"]
    assert rows.all_text_contents() == names
    told = page.get_by_text(re.compile(r"^cost [\d.]+ · [\d.]+ tokens a word · AP"))
    costs = [float(text.split()[1]) for text in told.all_inner_texts()]
    assert len(costs) == 4
    assert costs == sorted(costs)
    page.get_by_text("Transport settings").click()
    one.choose("Solver", "unbalanced")
    page.wait_for_url("**solver=unbalanced**")
    assert [float(text.split()[1]) for text in told.all_inner_texts()] != costs
    assert "view=many" in page.url
    assert "texts=am" in page.url


PLAYED = """process => new Promise(done => {
  const times = [], clear = CanvasRenderingContext2D.prototype.clearRect;
  CanvasRenderingContext2D.prototype.clearRect = function (...box) {
    times.push(performance.now());
    return clear.apply(this, box);
  };
  process.querySelector('.play').click();
  setTimeout(() => {
    process.querySelector('.play').click();
    CanvasRenderingContext2D.prototype.clearRect = clear;
    const begun = times.filter((time, k) => !k || time - times[k - 1] > 5);
    done(begun.slice(1).map((time, k) => time - begun[k]).sort((a, b) => a - b));
  }, 3000);
})"""
"""Milliseconds between the frames of an animation, the shortest first."""
LONG = " ".join(f"maji{number}" for number in range(15)), " ".join(["water is deep"] * 10)


def process(page):
    page.get_by_text("How transport finds it").click()
    found = page.locator(".process")
    found.locator("canvas").first.wait_for(state="attached")
    return found


def test_the_plan_moves_with_iterations_and_epsilon(visit):
    one = visit()
    page = one.open(SHOWN + "&model=embedded")
    found = process(page)
    one.settle()
    assert found.locator("h3").all_inner_texts()[:3] == ["Exact", "Sinkhorn", "Unbalanced"]
    said = found.locator(".said")
    last = said.all_inner_texts()
    found.get_by_label("Iteration").press("Home")
    first = said.all_inner_texts()
    assert first[0] == last[0]
    assert all(
        "iteration 1" in text and text != after
        for text, after in zip(first[1:], last[1:], strict=True)
    )
    found.get_by_label("Epsilon").press("End")
    page.wait_for_function(
        "([process, text]) => process.querySelectorAll('.said')[1].textContent !== text",
        arg=[found.element_handle(), first[1]],
    )
    assert found.get_by_label("Epsilon").get_attribute("aria-valuetext") == "0.5"
    points = found.locator("polyline.n0").first.get_attribute("points").split()
    assert len(points) >= 10  # one an iteration


def test_thirty_tokens_move_at_20_frames_a_second(visit):
    one = visit()
    page = one.open(f"/alignment?model=embedded&unit=token&a={LONG[0]}&b={LONG[1]}")
    found = process(page)
    one.settle()
    assert found.locator(".right .word").count() >= 3 * 30
    between = found.evaluate(PLAYED)
    # Other programs may hold frames up: those that were not show what a frame takes.
    assert between[len(between) // 10] <= 51, between
