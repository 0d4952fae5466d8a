"""The shipped story: played by arrow keys and full screen, and as a file without a network."""

from __future__ import annotations

import pytest

from tests.browser.test_access import axe_faults
from tests.browser.test_browser import pytestmark  # noqa: F401

GROUND = "element => getComputedStyle(element).backgroundColor"
CORNER = """async image => {
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  return `rgb(${[...context.getImageData(2, 2, 1, 1).data].slice(0, 3).join(", ")})`;
}"""
"""The colour of a corner of a picture."""


def place(page) -> str:
    return page.locator(".story nav span").inner_text()


def relevant(page) -> list[bool]:
    """Whether each passage of the shown step answers the question."""
    cards = page.locator(".story .step.on .card")
    return [card.locator(".good").count() == 1 for card in cards.all()]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_player_has_the_pages_theme(visit, scheme):
    page = visit(scheme=scheme).open("/stories?step=8", "Stories")
    picture = page.locator(".story .step.on img").first
    picture.wait_for(timeout=180_000)
    ground = page.locator("[data-testid=stApp]").evaluate(GROUND)
    assert (ground == "rgb(255, 255, 255)") == (scheme == "light")
    assert page.locator(".story").evaluate(GROUND) == ground
    assert picture.evaluate(CORNER) == ground


def test_the_shipped_story_is_played_and_written_as_a_file_that_works_offline(visit, tmp_path):
    one = visit()
    page = one.open("/stories?step=2", "Stories")
    page.locator(".story nav").wait_for(timeout=180_000)
    one.settle()
    assert place(page) == "2 of 8"
    assert relevant(page)[:3] == [False, False, True]
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**step=3**")
    page.keyboard.press("f")
    page.wait_for_function("document.fullscreenElement !== null")
    page.keyboard.press("ArrowRight")
    page.locator(".story .step.on .flow").wait_for()
    assert place(page) == "4 of 8"
    page.wait_for_url("**step=4**")
    one.settle()
    assert page.evaluate("document.fullscreenElement !== null")
    page.evaluate("document.exitFullscreen()")
    page.locator(".st-key-files-story button").first.click()
    with page.expect_download(timeout=120_000) as got:
        page.get_by_role("button", name="somali.html", exact=True).click()
    got.value.save_as(tmp_path / "somali.html")
    offline = visit(390, 844)
    page = offline.page
    page.context.set_offline(True)
    try:
        # A file's own address counts as outside of the app's.
        page.goto((tmp_path / "somali.html").as_uri() + "#4")
        assert place(page) == "4 of 8"
        page.locator(".story .step.on .word", has_text="qoraa").focus()
        assert "written" in page.locator(".story .step.on .said").inner_text()
        for _ in range(3):
            page.keyboard.press("PageDown")
        assert place(page) == "7 of 8"
        assert relevant(page)[5:6] == [True]
        page.keyboard.press("End")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            ground = page.locator(".story").evaluate(GROUND)
            assert (ground == "rgb(255, 255, 255)") == (scheme == "light")
            assert page.locator(".story .step.on img").evaluate(CORNER) == ground
        assert page.locator(".story .step.on img").evaluate("image => image.naturalWidth") > 500
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")
        page.locator(".story").evaluate("story => story.classList.remove('playing')")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert axe_faults(page) == [], scheme
    finally:
        page.context.set_offline(False)
    assert {address.split(":")[0] for address in offline.outside} == {"file"}
    offline.outside.clear()
