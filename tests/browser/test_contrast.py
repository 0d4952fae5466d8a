"""What can be read on the pages: the contrast of every text with what lies under it."""

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.flaky(reruns=1, only_rerun="TimeoutError")]

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


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_of_the_alignment_page_can_be_read(visit, scheme):
    page = visit(color_scheme=scheme).open("/alignment?model=embedded&show=chips", "Alignment")
    page.get_by_role("radio", name="chips").first.wait_for()
    page.wait_for_function(
        "getComputedStyle(document.querySelector("
        "'[data-testid=stCaptionContainer]')).opacity !== '0.6'"
    )
    found = page.evaluate(READ)
    assert len(found) > 20
    assert [(round(ratio, 2), text) for ratio, text in found if ratio < 4.5] == []
