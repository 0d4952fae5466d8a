// One plan: pointing at a token or a ribbon, or going there by keyboard, isolates links at once.
// A click, a tap or Enter pins the token, which Python hears of. Pictures of the same texts move
// together.

const pictures = new WeakMap();
const MOVED = "optical-flow";

const size = link => Math.abs(link.mass);

function mountPicture(component) {
  const { parentElement, data } = component;
  const before = pictures.get(parentElement);
  const shape = JSON.stringify({ ...data, pinned: null });
  if (before && before.shape === shape) {
    before.component = component;
    before.pin(data.pinned);
  } else {
    const focus = before?.end();
    pictures.set(parentElement, new Picture(component, shape));
    if (focus) pictures.get(parentElement).word(...focus)?.focus();
  }
  return () => {
    pictures.get(parentElement)?.end();
    pictures.delete(parentElement);
  };
}

class Picture {
  constructor(component, shape) {
    this.component = component;
    this.shape = shape;
    this.data = component.data;
    this.group = JSON.stringify([this.data.left.words, this.data.right.words]);
    this.box = add(component.parentElement, "div");
    this.flow = new Flow(this.box, this.data);
    this.links = this.data.links.map(([i, j, mass, cost]) => ({ i, j, mass, cost }));
    // Thin ribbons lie on top, where the mouse can reach them.
    for (const link of [...this.links].sort((one, other) => size(other) - size(one))) {
      this.flow.path(link);
    }
    this.flow.draw(this.links);
    this.flow.key(this.flow.root, this.links);
    this.said = add(this.flow.root, "p", { class: "said", "aria-live": "polite" });
    for (const side of ["left", "right"]) {
      this.flow.sides[side].words.forEach((word, index) => {
        word.setAttribute("aria-label", this.sentence(this.of(side, index), side, index));
        word.tabIndex = side === "left" && index === 0 ? 0 : -1;
      });
    }
    this.listen();
    this.pin(this.data.pinned);
  }

  listen() {
    const { root } = this.flow;
    const at = event => {
      const word = event.target.closest?.(".word");
      return word ? [word.dataset.side, Number(word.dataset.index)] : null;
    };
    root.addEventListener("pointerover", event => {
      const link = event.target.dataset?.link;
      if (link) this.show(null, link.split(".").map(Number));
      else if (at(event)) this.point(at(event));
      else this.point(null);
    });
    root.addEventListener("pointerleave", event => {
      if (event.pointerType === "mouse") this.point(null);
    });
    root.addEventListener("focusin", event => at(event) && this.point(at(event)));
    root.addEventListener("focusout", () => this.point(null));
    root.addEventListener("click", event => at(event) && this.toggle(at(event)));
    root.addEventListener("keydown", event => this.press(event, at(event)));
    this.heard = event => {
      if (event.detail.from !== this && event.detail.group === this.group) {
        this.show(event.detail.token);
      }
    };
    window.addEventListener(MOVED, this.heard);
  }

  point(token) {
    this.show(token);
    const detail = { from: this, group: this.group, token };
    window.dispatchEvent(new CustomEvent(MOVED, { detail }));
  }

  // Isolate a token's links or one link (i, j); without either, those of the pinned token.
  show(token, link = null) {
    const chosen = token ?? (link ? null : this.pinned);
    const links = link
      ? this.links.filter(one => one.i === link[0] && one.j === link[1])
      : chosen && this.of(...chosen);
    this.flow.isolate(links);
    this.said.replaceChildren();
    if (link && links.length) this.tell(links, "left", link[0]);
    else if (chosen && this.word(...chosen)) this.tell(links, ...chosen);
    else this.said.textContent = this.data.hint;
  }

  of(side, index) {
    const end = side === "left" ? "i" : "j";
    const links = this.links.filter(link => link[end] === index);
    return links.sort((one, other) => size(other) - size(one));
  }

  // The parts of a sentence: [text, is it a token?].
  parts(links, side, index) {
    const other = side === "left" ? "right" : "left", end = side === "left" ? "j" : "i";
    const parts = [[this.data[side].words[index], true], [side === "left" ? " → " : " ← ", false]];
    const total = this.data[side].masses[index] || 1;
    links.slice(0, 4).forEach((link, number) => {
      if (number) parts.push(["; ", false]);
      parts.push([this.data[other].words[link[end]], true]);
      parts.push([this.data.change
        ? ` ${link.mass > 0 ? "gained" : "lost"} ${Math.round(100 * Math.abs(link.mass) / total)} %`
        : ` ${Math.round(100 * link.mass / total)} %, cost ${digits(link.cost)}`, false]);
    });
    if (!links.length) parts.push([this.data.change ? "nothing changes" : "nothing drawn", false]);
    if (links.length > 4) parts.push([`; and ${links.length - 4} more`, false]);
    return parts;
  }

  sentence(links, side, index) {
    return this.parts(links, side, index).map(([text]) => text).join("")
      .replace(" → ", ": to ").replace(" ← ", ": from ");
  }

  tell(links, side, index) {
    for (const [text, token] of this.parts(links, side, index)) {
      add(this.said, token ? "bdi" : "span", {}, text);
    }
  }

  word(side, index) {
    return this.flow.sides[side]?.words[index];
  }

  pin(pinned) {
    this.pinned = pinned && this.word(...pinned) ? pinned : null;
    for (const [side, place] of Object.entries(this.flow.sides)) {
      place.words.forEach((word, index) => {
        const on = Boolean(this.pinned && side === this.pinned[0] && index === this.pinned[1]);
        word.classList.toggle("pinned", on);
        word.setAttribute("aria-pressed", on);
      });
    }
    const focus = this.focused();
    this.show(focus ?? null);
  }

  toggle([side, index]) {
    const off = this.pinned && this.pinned[0] === side && this.pinned[1] === index;
    this.pin(off ? null : [side, index]);
    if (this.data.pins) this.component.setTriggerValue("pin", off ? "none" : `${side}.${index}`);
  }

  press(event, token) {
    if (!token) return;
    const [side, index] = token, { words } = this.flow.sides[side];
    const to = {
      ArrowUp: [side, index - 1], ArrowDown: [side, index + 1],
      Home: [side, 0], End: [side, words.length - 1],
      ArrowLeft: ["left", this.opposite("left", side, index)],
      ArrowRight: ["right", this.opposite("right", side, index)],
    }[event.key];
    if (event.key === "Escape" && this.pinned) this.toggle(this.pinned);
    const next = to && this.word(...to);
    if (!next) return;
    event.preventDefault();
    for (const place of Object.values(this.flow.sides)) {
      for (const word of place.words) word.tabIndex = -1;
    }
    next.tabIndex = 0;
    next.focus();
  }

  // The best counterpart of a token on a side, or the token itself if that is its side.
  opposite(wanted, side, index) {
    if (wanted === side) return index;
    const [best] = this.of(side, index);
    return best ? best[side === "left" ? "j" : "i"] : 0;
  }

  focused() {
    const active = this.box.getRootNode().activeElement;
    return active?.classList.contains("word") && this.box.contains(active)
      ? [active.dataset.side, Number(active.dataset.index)] : null;
  }

  end() {
    const focus = this.focused();
    window.removeEventListener(MOVED, this.heard);
    this.box.remove();
    return focus;
  }
}
