// A story: its steps one at a time, by buttons, arrow keys or a swipe, and full screen. Without this
// script all steps stand one below the other.

const SWIPE = 60;  // pixels

class Story {
  constructor(root, flows) {
    this.root = root;
    this.at = -1;
    this.told = () => {};
    this.steps = [...root.querySelectorAll(".step")];
    for (const place of root.querySelectorAll(".plan")) {
      const data = flows[Number(place.dataset.flow)];
      mountPicture({ parentElement: place, data, setTriggerValue() {} });
    }
    root.classList.add("playing");
    this.bar();
    this.pressed = event => this.press(event);
    window.addEventListener("keydown", this.pressed);
    root.addEventListener("touchstart", event => { this.from = event.changedTouches[0]; });
    root.addEventListener("touchend", event => this.swipe(event.changedTouches[0]));
    this.show(0);
  }

  bar() {
    const bar = add(this.root, "nav", { "aria-label": "Steps" });
    this.back = add(bar, "button", { type: "button" }, "← Back");
    this.place = add(bar, "span", { role: "status" });
    this.next = add(bar, "button", { type: "button" }, "Next →");
    this.full = add(bar, "button", { type: "button", class: "full" }, "Full screen");
    this.back.addEventListener("click", () => this.go(this.at - 1));
    this.next.addEventListener("click", () => this.go(this.at + 1));
    this.full.addEventListener("click", () => this.fill());
    this.full.hidden = !this.root.requestFullscreen;
  }

  fill() {
    if (this.root.getRootNode().fullscreenElement) document.exitFullscreen();
    else this.root.requestFullscreen();
  }

  press(event) {
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
    const [target] = event.composedPath();
    // Another part of a page keeps its keys.
    if (target !== document.body && !this.root.contains(target)) return;
    if (event.key === " " && target.closest("button, a")) return;
    const to = {
      ArrowRight: this.at + 1, PageDown: this.at + 1, " ": this.at + 1,
      ArrowLeft: this.at - 1, PageUp: this.at - 1, Home: 0, End: this.steps.length - 1,
    }[event.key];
    if (event.key === "f") this.fill();
    if (to === undefined) return;
    event.preventDefault();
    this.go(to);
  }

  swipe(end) {
    const { from } = this;
    if (!from) return;
    const [x, y] = [end.clientX - from.clientX, end.clientY - from.clientY];
    if (Math.abs(x) > SWIPE && Math.abs(x) > 2 * Math.abs(y)) this.go(this.at - Math.sign(x));
  }

  go(step) {
    if (this.show(step)) this.told(this.at);
  }

  // Show a step; true if it is another than before.
  show(step) {
    const at = Math.min(Math.max(step, 0), this.steps.length - 1);
    if (at === this.at) return false;
    this.at = at;
    this.steps.forEach((each, index) => each.classList.toggle("on", index === at));
    this.place.textContent = `${at + 1} of ${this.steps.length}`;
    this.back.disabled = at === 0;
    this.next.disabled = at === this.steps.length - 1;
    this.root.scrollTop = 0;
    return true;
  }

  end() {
    window.removeEventListener("keydown", this.pressed);
    this.root.remove();
  }
}
