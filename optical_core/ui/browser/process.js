// How solvers find a plan: an exact one beside those of iterative solvers, which move with two
// sliders, over iterations and over epsilon. All plans are here already: nothing is asked of Python.

const processes = new WeakMap();
const PLAYED = 6000, MORPH = 350;  // milliseconds: from the first to the last iteration, to an eps

export default function (component) {
  const { parentElement, data } = component;
  const shape = JSON.stringify(data);
  if (processes.get(parentElement)?.shape !== shape) {
    processes.get(parentElement)?.end();
    processes.set(parentElement, new Process(parentElement, data, shape));
  }
  return () => {
    processes.get(parentElement)?.end();
    processes.delete(parentElement);
  };
}

// Masses as they travel: 16 bits each, as shares of the largest, base64.
function unpacked(text, scale) {
  const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
  return Float32Array.from(new Uint16Array(bytes.buffer), share => share * scale / 65535);
}

function short(error) {
  if (error < 1e-9) return "0";
  return error < 0.01 ? error.toExponential(0) : digits(error);
}

class Process {
  constructor(parent, data, shape) {
    this.data = data;
    this.shape = shape;
    this.cells = data.left.words.length * data.right.words.length;
    this.at = data.stops.length - 1;  // a place among the stops, between two while it plays
    this.epsilon = data.start;
    this.box = add(parent, "div", { class: "flow process" });
    for (const [name, value] of [
      ["font", data.font], ["first", data.lines[0]], ["second", data.lines[1]],
    ]) this.box.style.setProperty(`--flow-${name}`, value);
    this.controls();
    const panels = add(this.box, "div", { class: "panels" });
    this.panels = [data.exact, ...data.solvers].map(solver => this.panel(panels, solver));
    this.panels[0].flow.key(this.box, [{}]);
    const charts = add(this.box, "div", { class: "panels" });
    this.charts = [
      new Chart(charts, data, "Cost ⟨P, C⟩", "costs", false),
      new Chart(charts, data, "Marginal error", "errors", true),
    ];
    this.frame = this.frame.bind(this);
    this.show();
  }

  controls() {
    const box = add(this.box, "div", { class: "controls" });
    this.button = add(box, "button", { type: "button", class: "play" }, "Play");
    this.button.addEventListener("click", () => this.playing ? this.stop() : this.play());
    [this.iterations, this.told] = this.slider(box, "Iteration", this.data.stops.length, this.at);
    this.iterations.addEventListener("input", () => {
      this.stop();
      this.at = Number(this.iterations.value);
      this.show();
    });
    [this.epsilons, this.toldEpsilon] =
      this.slider(box, "Epsilon", this.data.epsilons.length, this.epsilon);
    this.epsilons.addEventListener("input", () => {
      this.epsilon = Number(this.epsilons.value);
      for (const panel of this.panels) panel.from = panel.shown;
      this.since = performance.now();
      this.ask();
    });
  }

  slider(parent, name, count, value) {
    const label = add(parent, "label");
    const head = add(label, "span", {}, `${name} `);
    const told = add(head, "b");
    const input = add(label, "input", { type: "range", min: 0, max: count - 1, step: 1, value });
    return [input, told];
  }

  panel(parent, solver) {
    const box = add(parent, "section");
    add(box, "h3", {}, solver.name);
    const flow = new Flow(box, { ...this.data, still: true, label: solver.name });
    const said = add(box, "p", { class: "said" });
    const runs = solver.runs.map(run => ({ ...run, masses: unpacked(run.plans, this.data.scale) }));
    return { flow, said, runs };
  }

  play() {
    if (this.at >= this.data.stops.length - 1) this.at = 0;
    this.playing = true;
    this.button.textContent = "Pause";
    this.last = performance.now();
    this.ask();
  }

  stop() {
    this.playing = false;
    this.button.textContent = "Play";
  }

  ask() {
    this.asked ??= requestAnimationFrame(this.frame);
  }

  frame(now) {
    this.asked = null;
    if (this.playing) {
      const last = this.data.stops.length - 1;
      this.at = Math.min(this.at + Math.max(now - this.last, 0) * last / PLAYED, last);
      this.last = now;
      if (this.at === last) this.stop();
    }
    this.show(now);
    if (this.playing || now - this.since < MORPH) this.ask();
  }

  show(now = Infinity) {
    const { stops, epsilons } = this.data;
    const low = Math.floor(this.at), part = this.at - low, high = Math.min(low + 1, stops.length - 1);
    const iteration = Math.round(stops[low] * (1 - part) + stops[high] * part);
    const grown = Math.min((now - (this.since ?? 0)) / MORPH, 1);
    for (const panel of this.panels) {
      const run = panel.runs[Math.min(this.epsilon, panel.runs.length - 1)];
      this.move(panel, run, [low, high, part], grown);
      const at = Math.min(iteration, run.costs.length) - 1;
      const state = !run.iterations ? "" : at + 1 < run.iterations
        ? `, iteration ${at + 1}` : `, ends after ${run.iterations} iterations`;
      panel.said.textContent =
        `cost ${run.costs[at].toFixed(3)}, marginal error ${short(run.errors[at])}${state}`;
    }
    this.iterations.value = Math.round(this.at);
    this.told.textContent = iteration;
    this.iterations.setAttribute("aria-valuetext", iteration);
    this.toldEpsilon.textContent = epsilons[this.epsilon];
    this.epsilons.setAttribute("aria-valuetext", epsilons[this.epsilon]);
    for (const chart of this.charts) chart.show(this.epsilon, this.at);
  }

  // Draw a panel's plan, unless it is the one that is drawn already.
  move(panel, run, [low, high, part], grown) {
    const last = run.masses.length / this.cells - 1;
    const one = Math.min(low, last), other = Math.min(high, last);
    const morphs = grown < 1 && panel.from && panel.runs.length > 1;
    const drawn = morphs ? null : `${this.epsilon} ${one} ${one === other ? 0 : part}`;
    if (drawn && panel.drawn === drawn) return;
    panel.drawn = drawn;
    panel.shown = this.masses(run, one * this.cells, other * this.cells, part);
    if (morphs) {
      panel.shown = panel.shown.map((mass, k) => panel.from[k] + (mass - panel.from[k]) * grown);
    }
    panel.flow.draw(this.links(panel.shown));
  }

  masses(run, one, other, part) {
    const { cells } = this;
    const mixed = new Float32Array(cells);
    for (let k = 0; k < cells; k++) {
      mixed[k] = run.masses[one + k] * (1 - part) + run.masses[other + k] * part;
    }
    return mixed;
  }

  links(masses) {
    const width = this.data.right.words.length, least = this.data.least, found = [];
    for (let k = 0; k < masses.length; k++) {
      if (masses[k] >= least) {
        found.push({
          i: Math.floor(k / width), j: k % width, mass: masses[k], cost: this.data.cost[k],
        });
      }
    }
    return found;
  }

  end() {
    cancelAnimationFrame(this.asked);
    for (const panel of this.panels) panel.flow.resized.disconnect();
    this.box.remove();
  }
}

// A value after every iteration, a line a solver; across in the distances of the slider's stops.
class Chart {
  constructor(parent, data, title, name, logarithmic) {
    this.data = data;
    this.name = name;
    this.scaled = logarithmic ? value => Math.log10(Math.max(value, 1e-9)) : value => value;
    const box = add(parent, "section");
    add(box, "h3", {}, title);
    const values = data.solvers.flatMap(solver => solver.runs.flatMap(run => run[name]));
    if (!logarithmic) values.push(...data.exact.runs[0][name]);
    const known = values.filter(value => !logarithmic || value > 1e-9);
    this.low = Math.min(...known);
    this.high = Math.max(...known);
    const told = value => logarithmic ? short(value) : value.toFixed(3);
    const row = add(box, "div", { class: "chart" });
    const axis = add(row, "div", { class: "axis" });
    add(axis, "span", {}, told(this.high));
    add(axis, "span", {}, told(this.low));
    const svg = add(row, "svg", {
      viewBox: "0 0 100 100", preserveAspectRatio: "none", role: "img", "aria-label": title,
    });
    this.exact = logarithmic ? null : add(svg, "polyline", { class: "line exact" });
    this.lines = data.solvers.map((_, number) => add(svg, "polyline", { class: `line n${number}` }));
    this.cursor = add(svg, "line", { class: "cursor", y1: 0, y2: 100 });
    const below = add(box, "div", { class: "below" });
    add(below, "span", {}, `iteration ${data.stops[0]}`);
    add(below, "span", {}, data.stops.at(-1));
    const key = add(box, "div", { class: "key" });
    const named = [...data.solvers.map((solver, number) => [solver.name, `n${number}`])];
    if (this.exact) named.push([data.exact.name, "exact"]);
    for (const [text, line] of named) {
      const span = add(key, "span");
      const mark = add(span, "svg", { viewBox: "0 0 100 10", class: "mark" });
      add(mark, "line", { class: `line ${line}`, x1: 0, x2: 100, y1: 5, y2: 5 });
      add(span, "span", {}, text);
    }
  }

  show(epsilon, at) {
    const last = this.data.stops.length - 1;
    this.cursor.setAttribute("x1", 100 * at / last);
    this.cursor.setAttribute("x2", 100 * at / last);
    if (this.epsilon === epsilon) return;
    this.epsilon = epsilon;
    this.data.solvers.forEach((solver, number) => {
      const values = solver.runs[epsilon][this.name];
      const points = values.map((value, k) => `${this.across(k + 1)},${this.up(value)}`);
      points.push(`100,${this.up(values.at(-1))}`);
      this.lines[number].setAttribute("points", points.join(" "));
    });
    if (this.exact) {
      const y = this.up(this.data.exact.runs[0][this.name][0]);
      this.exact.setAttribute("points", `0,${y} 100,${y}`);
    }
  }

  across(iteration) {
    const { stops } = this.data;
    const next = stops.findIndex(stop => stop >= iteration);
    if (next <= 0) return next ? 100 : 0;
    const part = (iteration - stops[next - 1]) / (stops[next] - stops[next - 1]);
    return (100 * (next - 1 + part) / (stops.length - 1)).toFixed(2);
  }

  up(value) {
    const low = this.scaled(this.low), high = this.scaled(this.high);
    const share = (this.scaled(value) - low) / (high - low || 1);
    return (98 - 96 * Math.min(Math.max(share, 0), 1)).toFixed(2);
  }
}
