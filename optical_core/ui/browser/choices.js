// What can be clicked in a picture, as a list for readers without a mouse: it is seen while it has
// the focus. Arrow keys move, Enter chooses.

const lists = new WeakMap();

export default function (component) {
  const { parentElement, data } = component;
  const shape = JSON.stringify(data);
  let list = lists.get(parentElement);
  if (list?.shape !== shape) {
    const focused = list?.end();
    list = new Choices(parentElement, data, shape);
    lists.set(parentElement, list);
    if (focused) list.box.focus({ preventScroll: true });
  }
  list.told = value => component.setTriggerValue("chosen", value);
  return () => {
    lists.get(parentElement)?.end();
    lists.delete(parentElement);
  };
}

class Choices {
  // data: label, hint, options: [value, text], chosen: the value to begin with.
  constructor(parent, data, shape) {
    this.data = data;
    this.shape = shape;
    this.root = document.createElement("div");
    this.root.className = "choices";
    const hint = this.part("p", this.root, { class: "hint" }, data.hint);
    hint.id = `hint-${crypto.randomUUID?.() ?? Math.random()}`;
    this.box = this.part("div", this.root, {
      role: "listbox", tabindex: 0, "aria-label": data.label, "aria-describedby": hint.id,
    });
    this.rows = data.options.map(([, text], at) => this.part("div", this.box, {
      role: "option", id: `${hint.id}-${at}`, dir: "auto", "data-at": at, "aria-selected": false,
    }, text));
    parent.append(this.root);
    this.box.addEventListener("focus", () => this.reveal());
    this.box.addEventListener("keydown", event => this.press(event));
    this.box.addEventListener("click", event => {
      const row = event.target.closest("[role=option]");
      if (row) this.choose(Number(row.dataset.at));
    });
    this.move(Math.max(data.options.findIndex(([value]) => value === data.chosen), 0));
  }

  part(tag, parent, attributes, text) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    parent.append(made);
    return made;
  }

  press(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const last = this.rows.length - 1;
    const to = {
      ArrowDown: this.at + 1, ArrowUp: this.at - 1, Home: 0, End: last,
      PageDown: this.at + 8, PageUp: this.at - 8,
    }[event.key];
    if (to !== undefined) this.move(Math.min(Math.max(to, 0), last));
    else if (event.key === "Enter" || event.key === " ") this.choose(this.at);
    else return;
    event.preventDefault();
  }

  move(to) {
    this.rows[this.at]?.setAttribute("aria-selected", false);
    this.at = to;
    const row = this.rows[to];
    if (!row) return;
    row.setAttribute("aria-selected", true);
    this.box.setAttribute("aria-activedescendant", row.id);
    this.reveal();
  }

  // Scroll to the row, if the list is seen: to ask for places makes the browser lay out the page.
  reveal() {
    const row = this.rows[this.at];
    if (!row || this.root.getRootNode().activeElement !== this.box) return;
    // `scrollIntoView` would move the page too.
    const low = row.offsetTop + row.offsetHeight - this.box.clientHeight;
    this.box.scrollTop = Math.min(Math.max(this.box.scrollTop, low), row.offsetTop);
  }

  choose(at) {
    if (!this.rows[at]) return;
    this.move(at);
    this.told(this.data.options[at][0]);
  }

  // Take the list away; true if it had the focus.
  end() {
    const focused = this.root.contains(this.root.getRootNode().activeElement);
    this.root.remove();
    return focused;
  }
}
