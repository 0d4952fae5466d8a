// Two columns of tokens and the mass between them. Band: a token's mass. Ribbon: mass that moves,
// stacked at both ends, so that it fills its bands. All texts are set as text, never as HTML.

const GAP = 4, LEAST = 21;  // pixels: between bands, of a row
const NICE = [1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001];

function add(parent, tag, attributes = {}, text) {
  const space = ["svg", "path", "polyline", "line"].includes(tag);
  const made = space
    ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

function blended(low, high, share) {
  const part = at => Math.round(
    parseInt(low.slice(at, at + 2), 16) * (1 - share) + parseInt(high.slice(at, at + 2), 16) * share
  );
  return `rgb(${part(1)},${part(3)},${part(5)})`;
}

function digits(value) {
  return value >= 0.0995 ? value.toFixed(2) : value.toPrecision(2);
}

class Flow {
  // data: left, right: {words, masses, language}; low, high: costs; colours: of both.
  constructor(parent, data) {
    this.data = data;
    this.root = add(parent, "div", { class: "flow" });
    this.root.style.setProperty("--flow-font", data.font);
    const rows = add(this.root, "div", { class: "rows", role: "group", "aria-label": data.label });
    const count = Math.max(data.left.words.length, data.right.words.length, 1);
    const total = Math.max(sum(data.left.masses), sum(data.right.masses), 1e-9);
    const mean = Math.min(Math.max(480 / count, 27), 40);  // of a long text, of a short one
    this.unit = mean * count / total;
    this.sides = { left: this.places(data.left), right: this.places(data.right) };
    this.height = Math.max(this.sides.left.height, this.sides.right.height);
    for (const side of Object.values(this.sides)) side.top = (this.height - side.height) / 2;
    this.words(rows, "left");
    this.bands(rows, "left");
    // What moves is drawn on a canvas: a thousand paths of an SVG take too long for 20 frames a
    // second.
    this.area = add(rows, data.still ? "canvas" : "svg", {
      class: "ribbons", viewBox: data.still ? null : `0 0 100 ${this.height}`,
      preserveAspectRatio: data.still ? null : "none", height: this.height, "aria-hidden": "true",
    });
    this.bands(rows, "right");
    this.words(rows, "right");
    this.paths = new Map();
    this.shades = [];
    if (data.still) this.fit();
  }

  // Give the canvas the pixels of its place, now and whenever that changes.
  fit() {
    this.area.style.height = `${this.height}px`;
    const sized = () => {
      const dots = window.devicePixelRatio || 1;
      this.width = this.area.clientWidth;
      this.area.width = this.width * dots;
      this.area.height = this.height * dots;
      this.paint(this.painted ?? []);
    };
    this.resized = new ResizeObserver(sized);
    this.resized.observe(this.area);
    sized();
  }

  places(side) {
    let at = 0;
    const starts = [], slots = [];
    for (const mass of side.masses) {
      const band = mass * this.unit, slot = Math.max(band, LEAST);
      slots.push(slot);
      starts.push(at + (slot - band) / 2);
      at += slot + GAP;
    }
    return { starts, slots, masses: side.masses, height: Math.max(at - GAP, LEAST) };
  }

  words(parent, name) {
    const place = this.sides[name], side = this.data[name];
    place.box = add(parent, "div", { class: `words ${name}` });
    place.words = side.words.map((word, index) => {
      const made = add(place.box, this.data.still ? "span" : "button", {
        class: "word", dir: "auto", lang: side.language, title: word,
        type: this.data.still ? null : "button", "data-side": name, "data-index": index,
      }, word);
      made.style.height = made.style.lineHeight = `${place.slots[index]}px`;
      if (index) made.style.marginTop = `${GAP}px`;
      return made;
    });
  }

  bands(parent, name) {
    const place = this.sides[name];
    const box = add(parent, "div", { class: "bands" });
    box.style.height = `${place.height}px`;
    place.fills = place.masses.map((mass, index) => {
      const band = add(box, "i");
      band.style.top = `${place.starts[index]}px`;
      band.style.height = `${Math.max(mass * this.unit, 1)}px`;
      return add(band, "b");
    });
  }

  colour(link) {
    const { low, high, colours } = this.data;
    if (this.data.change) return colours[link.mass > 0 ? 0 : 1];
    const share = (link.cost - low) / (high - low);
    return blended(colours[0], colours[1], Math.min(Math.max(share, 0), 1));
  }

  // links: {i, j, mass, cost}, in any order. A change's masses have a sign; half of them is drawn.
  draw(links) {
    this.links = links;
    const { left, right } = this.sides;
    const unit = this.unit / (this.data.change ? 2 : 1);
    const filled = [left.masses.map(() => 0), right.masses.map(() => 0)];
    const shift = links.map(() => 0);
    const order = [...links.keys()];
    order.sort((x, y) => links[x].i - links[y].i || links[x].j - links[y].j);
    for (const at of order) {
      shift[at] = filled[1][links[at].j];
      filled[1][links[at].j] += Math.abs(links[at].mass) * unit;
    }
    const ribbons = order.map(at => {
      const { i, j, mass } = links[at], thick = Math.abs(mass) * unit;
      const y = left.top + left.starts[i] + filled[0][i], z = right.top + right.starts[j] + shift[at];
      filled[0][i] += thick;
      return { link: links[at], y, z, thick };
    });
    if (this.data.still) this.paint(ribbons);
    else for (const ribbon of ribbons) this.trace(ribbon);
    [left, right].forEach((place, number) => place.fills.forEach((fill, index) => {
      const share = filled[number][index] / (place.masses[index] * this.unit);
      fill.style.transform = `scaleY(${Math.min(share || 0, 1).toFixed(3)})`;
    }));
  }

  trace({ link, y, z, thick }) {
    const [top, end, far, low] = [y, z, z + thick, y + thick].map(each => each.toFixed(2));
    this.path(link).setAttribute("d", `M0 ${top}C50 ${top} 50 ${end} 100 ${end}V${far}`
      + `C50 ${far} 50 ${low} 0 ${low}Z`);
  }

  paint(ribbons) {
    const { area, width } = this, dots = window.devicePixelRatio || 1;
    this.painted = ribbons;
    const context = area.getContext("2d");
    context.setTransform(dots, 0, 0, dots, 0, 0);
    context.clearRect(0, 0, width, this.height);
    context.globalAlpha = 0.72;
    const middle = width / 2;
    for (const { link, y, z, thick } of ribbons) {
      const place = link.i * this.data.right.words.length + link.j, half = thick / 2;
      const shade = this.shades[place] ??= this.colour(link);
      context.beginPath();
      if (thick < 2) {  // a line is drawn in half the time of an area
        context.strokeStyle = shade;
        context.lineWidth = thick;
        context.moveTo(0, y + half);
        context.bezierCurveTo(middle, y + half, middle, z + half, width, z + half);
        context.stroke();
        continue;
      }
      context.fillStyle = shade;
      context.moveTo(0, y);
      context.bezierCurveTo(middle, y, middle, z, width, z);
      context.lineTo(width, z + thick);
      context.bezierCurveTo(middle, z + thick, middle, y + thick, 0, y + thick);
      context.fill();
    }
  }

  path(link) {
    const key = link.i * 100000 + link.j;
    let path = this.paths.get(key);
    if (!path) {
      path = add(this.area, "path");
      const colour = this.colour(link), lost = this.data.change && link.mass < 0;
      path.setAttribute("fill", lost ? "none" : colour);
      if (lost) {
        path.setAttribute("stroke", colour);
        path.setAttribute("class", "lost");
      }
      path.dataset.link = `${link.i}.${link.j}`;
      this.paths.set(key, path);
    }
    return path;
  }

  // Let only the chosen links stand out: none for all.
  isolate(chosen) {
    this.root.classList.toggle("isolated", Boolean(chosen));
    const on = new Set(), words = { left: new Set(), right: new Set() };
    for (const { i, j } of chosen ?? []) {
      on.add(`${i}.${j}`);
      words.left.add(i);
      words.right.add(j);
    }
    for (const path of this.paths.values()) {
      path.classList.toggle("on", on.has(path.dataset.link));
    }
    for (const [name, place] of Object.entries(this.sides)) {
      place.words.forEach((word, at) => word.classList.toggle("linked", words[name].has(at)));
    }
  }

  key(parent, links) {
    const { low, high, colours } = this.data;
    const box = add(parent, "div", { class: "key" });
    if (!links.length) return;
    const unit = this.unit / (this.data.change ? 2 : 1);
    const mass = NICE.find(each => each * unit <= 24) ?? NICE.at(-1);
    const width = add(box, "span");
    add(width, "i", { class: "swatch" }).style.height = `${mass * unit}px`;
    add(width, "span", {}, `mass ${mass}`);
    if (this.data.change) {
      this.sign(box, "gained", colours[0], false);
      this.sign(box, "lost", colours[1], true);
      return;
    }
    const cost = add(box, "span");
    add(cost, "span", {}, `cost ${digits(low)}`);
    const scale = add(cost, "i", { class: "scale" });
    scale.style.background = `linear-gradient(to right, ${colours.join(", ")})`;
    scale.style.opacity = 0.72;
    add(cost, "span", {}, digits(high));
  }

  sign(box, text, colour, lost) {
    const span = add(box, "span");
    const swatch = add(span, "i", { class: "swatch" });
    swatch.style.height = "12px";
    swatch.style.background = lost ? "none" : colour;
    if (lost) swatch.style.border = `1.5px dashed ${colour}`;
    add(span, "span", {}, text);
  }
}

function sum(values) {
  return values.reduce((one, other) => one + other, 0);
}
