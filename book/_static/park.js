// The live demos: <dog-park>, <gaussian-chains>, <real-share>. The laws are in samplers.js, the dogs in breeds.js.
// What stands inside an element in the page is its still: it stays in print and where no JavaScript runs.
"use strict";

(() => {
  const law = globalThis.samplers;
  const sizes = [10, 20, 50, 100, 200, 500, 1000];
  const percents = [0, 1, 2, 5, 10, 20, 50];
  const LAST = 400; // generations, then the demo rests
  const html = (text) => document.createRange().createContextualFragment(text);
  const percent = (share) => `${Math.round(100 * share)}%`;
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  let count = 0; // for ids

  // ---- charts: lines and bands in one small SVG ------------------------------------------------------------------

  class Chart {
    constructor({ title, width = 340, height = 190, bottom = 0, top = 1, ticks, log = false, room = 12 }) {
      Object.assign(this, { width, height, bottom, top, ticks, log, room });
      this.left = 36;
      this.end = height - 30;
      this.svg = html(`<svg class="demo-chart" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}"></svg>`)
        .firstElementChild;
    }

    // Set how many generations are shown: 30, 60, 120, ...; "real" stands at -1 if `from` is -1.
    start(last, from = 0) {
      this.from = from;
      this.last = 30;
      while (this.last < last) this.last *= 2;
      const grid = this.ticks.map((y) => `<line x1="${this.left}" x2="${this.width - this.room}" y1="${this.y(y)}"
        y2="${this.y(y)}" class="grid"/><text x="${this.left - 5}" y="${this.y(y) + 4}" text-anchor="end">${y}</text>`);
      const marks = [0, 1, 2, 3].map((i) => i * this.last / 3).map((x) =>
        `<text x="${this.x(x)}" y="${this.end + 14}" text-anchor="middle">${Math.round(x)}</text>`);
      this.parts = [...grid, ...marks,
        `<text x="${(this.left + this.width - this.room) / 2}" y="${this.height - 3}" text-anchor="middle">generation</text>`];
    }

    x(generation) {
      return this.left + (generation - this.from) / (this.last - this.from) * (this.width - this.room - this.left);
    }

    y(value) {
      const scale = this.log ? Math.log : (v) => v;
      const inside = Math.min(this.top, Math.max(this.bottom, value));
      return 8 + (scale(this.top) - scale(inside)) / (scale(this.top) - scale(this.bottom)) * (this.end - 8);
    }

    points(values, first = this.from) {
      return values.map((v, i) => `${this.x(i + first).toFixed(1)},${this.y(v).toFixed(1)}`);
    }

    line(values, style, first) {
      if (values.length) this.parts.push(`<path class="${style}" d="M${this.points(values, first).join("L")}"/>`);
    }

    band(low, high, style, first, colour = "") {
      const outline = [...this.points(high, first), ...this.points(low, first).reverse()];
      this.parts.push(`<path class="${style}" ${colour && `style="fill:${colour}"`} d="M${outline.join("L")}Z"/>`);
    }

    text(generation, value, words, style = "") {
      this.parts.push(`<text class="${style}" x="${this.x(generation) + 5}" y="${this.y(value) + 4}">${words}</text>`);
    }

    show() {
      this.svg.innerHTML = this.parts.join("");
    }
  }

  // ---- what the three have in common: controls, a clock, a still, a sentence -----------------------------------------

  class Demo extends HTMLElement {
    connectedCallback() {
      if (this.live) return;
      this.uniform = law.generator(Number(this.getAttribute("seed")) || Math.floor(Math.random() * 2 ** 31));
      const still = document.createElement("div");
      still.className = "demo-still";
      still.append(...this.childNodes);
      this.live = html(`<section class="demo" aria-label="${this.title_}"><div class="demo-stage"></div>
        <div class="demo-controls"></div><output class="demo-says"></output><p class="demo-note"></p></section>`)
        .firstElementChild;
      this.append(still, this.live);
      [this.stage, this.controls, this.says, this.note] = this.live.children;
      this.wide = this.clientWidth > 520;
      this.build();
      this.reset();
    }

    disconnectedCallback() {
      this.stop();
    }

    button(text, action, place = this.controls) {
      const button = html(`<button type="button">${text}</button>`).firstElementChild;
      button.addEventListener("click", action);
      place.append(button);
      return button;
    }

    // The buttons and what they bring about, where the stage is when this is called: near the picture that moves.
    clock() {
      const row = html(`<div class="demo-buttons"></div>`).firstElementChild;
      this.button("One generation", () => { this.stop(); this.step(); }, row);
      this.playing = this.button("Play", () => (this.timer ? this.stop() : this.play()), row);
      this.button("Start again", () => { this.stop(); this.reset(); }, row);
      this.stage.append(row, this.says);
    }

    play() {
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      this.playing.textContent = "Pause";
      this.says.setAttribute("aria-live", "off"); // a screen reader hears the result, not every frame
      this.timer = setInterval(() => {
        if (document.hidden) return;
        this.step();
        if (this.finished()) this.stop();
      }, calm ? 1000 : this.pace);
    }

    stop() {
      clearInterval(this.timer);
      this.timer = 0;
      if (this.playing) this.playing.textContent = "Play";
      this.says.setAttribute("aria-live", "polite");
    }

    finished() {
      return this.generation >= LAST;
    }

    // A slider over a list of values; `words` says a value in the page's language.
    slider(name, label, values, start, words, changed) {
      const id = `demo-${++count}`, nearest = values.indexOf(Number(this.getAttribute(name) ?? start));
      const row = html(`<div class="demo-slider"><label for="${id}">${label}</label>
        <input type="range" id="${id}" min="0" max="${values.length - 1}" value="${Math.max(0, nearest)}">
        <output for="${id}" aria-live="off"></output></div>`).firstElementChild;
      const [, input, output] = row.children;
      const read = () => {
        this[name] = values[input.value];
        output.textContent = words(this[name]);
        input.setAttribute("aria-valuetext", output.textContent);
      };
      input.addEventListener("input", () => { read(); changed(); });
      this.controls.append(row);
      read();
      return read;
    }

    choice(name, label, options, changed) {
      const group = `demo-${++count}`;
      const box = html(`<fieldset class="demo-choice"><legend>${label}</legend></fieldset>`).firstElementChild;
      for (const [value, text] of options) {
        const row = html(`<label><input type="radio" name="${group}" value="${value}"> ${text}</label>`).firstElementChild;
        const input = row.firstElementChild;
        input.checked = String(value) === (this.getAttribute(name) ?? String(options[0][0]));
        if (input.checked) this[name] = value;
        input.addEventListener("change", () => { this[name] = value; changed(); });
        box.append(row);
      }
      this.controls.append(box);
    }

    realCount() { // a positive share gives at least one real sample
      return this.real > 0 ? Math.max(1, Math.round(this.real / 100 * this.n)) : 0;
    }
  }

  // ---- <dog-park n="100" temperature="1" real="0"> -------------------------------------------------------------------

  const OTHERS = 100; // parks that nobody sees, for the band

  class DogPark extends Demo {
    title_ = "Dog park: a model of dog breeds that learns from its own dogs";
    pace = 300;

    build() {
      const columns = this.wide ? 20 : 10;
      this.key = `park-${++count}`;
      this.world = globalThis.BREEDS.map((breed) => breed.share);
      const symbols = globalThis.BREEDS.map((breed, i) =>
        `<symbol id="${this.key}-${i}" viewBox="0 0 1 1" overflow="visible">${drawDog(breed.traits)}</symbol>`);
      const dogs = Array.from({ length: 100 }, (_, i) =>
        `<use width="1" height="1" x="${i % columns}" y="${0.82 * Math.floor(i / columns)}"><title></title></use>`);
      this.park = html(`<svg class="demo-park" viewBox="-0.15 0.2 ${columns + 0.3} ${82 / columns}" role="img"><defs>${symbols.join("")}</defs>
        ${dogs.join("")}</svg>`).firstElementChild;
      this.dogs = [...this.park.querySelectorAll("use")];
      this.breeds = new Chart({ title: "Shares of the breeds by generation", ticks: [0, 0.5, 1], room: 108 });
      this.kept = new Chart({ title: "Diversity by generation, compared with the real dogs", ticks: [0, 0.5, 1] });
      this.stage.append(this.park);
      this.clock();
      for (const [text, chart] of [["Share of each breed", this.breeds], ["Diversity, 1 = as real", this.kept]]) {
        const box = html(`<div><p class="demo-caption">${text}</p></div>`).firstElementChild;
        box.append(chart.svg);
        this.stage.append(box);
      }
      const changed = () => this.draw();
      const names = this.slider("n", "Dogs each model learns from", sizes, 100, (n) => n, () => { readReal(); changed(); });
      const temperatures = Array.from({ length: 21 }, (_, i) => (50 + 5 * i) / 100);
      this.slider("temperature", "Temperature", temperatures, 1,
        (t) => `${t.toFixed(2)} ${t < 1 ? "leans to common breeds" : t > 1 ? "leans to rare breeds" : "honest"}`, changed);
      const readReal = this.slider("real", "New real dogs", percents, 0,
        (share) => `${share}%${share ? ` = ${this.realCount()} of ${this.n}` : ""}`, changed);
      names();
    }

    reset() {
      this.generation = 0;
      this.parks = Array.from({ length: OTHERS + 1 }, () => law.firstFit(this.world, this.n, this.uniform));
      this.loss = 1 / this.n;
      this.limit = this.world;
      this.tempered = this.mixed = false;
      this.history = [this.world];
      this.theory = [1];
      this.low = [1];
      this.high = [1];
      this.record();
      this.draw();
    }

    step() {
      if (this.finished()) return;
      const now = { n: this.n, real: this.realCount(), temperature: this.temperature };
      this.parks = this.parks.map((p) => law.refit(p, this.world, now, this.uniform));
      this.tempered ||= now.temperature !== 1;
      this.loss = law.nextLoss(this.loss, now.n, now.real);
      this.limit = law.nextLimit(this.limit, this.world, now.real / now.n, now.temperature);
      this.mixed ||= now.real > 0;
      this.generation++;
      this.record();
      this.draw();
    }

    record() {
      const real = law.diversity(this.world);
      const others = this.parks.slice(1).map((p) => law.diversity(p) / real).sort((a, b) => a - b);
      this.history.push(this.parks[0]);
      this.low.push(law.quantile(others, 0.1));
      this.high.push(law.quantile(others, 0.9));
      this.theory.push(this.tempered ? law.diversity(this.limit) / real : 1 - this.loss);
    }

    finished() {
      return super.finished() || (Math.max(...this.parks[0]) === 1 && this.realCount() === 0);
    }

    draw() {
      const p = this.parks[0], names = globalThis.BREEDS.map((breed) => breed.name);
      const crowd = hundred(p).flatMap((dogs, k) => Array(dogs).fill(k));
      crowd.forEach((k, i) => {
        this.dogs[i].setAttribute("href", `#${this.key}-${k}`);
        this.dogs[i].firstChild.textContent = names[k];
      });
      const left = p.filter((share) => share > 0).length, favourite = p.indexOf(Math.max(...p));
      const kept = law.diversity(p) / law.diversity(this.world);
      this.park.setAttribute("aria-label", `A hundred dogs of generation ${this.generation}, ${left} breeds`);
      this.says.textContent = `Generation ${this.generation}: ${left} of 12 breeds left; ${names[favourite]} `
        + `${percent(p[favourite])}; diversity ${kept.toFixed(2)} of the real one.`;
      this.drawBreeds(names);
      this.drawDiversity();
    }

    drawBreeds(names) {
      const chart = this.breeds;
      chart.start(this.generation, -1);
      let low = this.history.map(() => 0), free = 1.2;
      const labels = [];
      names.forEach((name, k) => {
        const high = low.map((share, t) => share + this.history[t][k]);
        chart.band(low, high, "area", -1, drawn(globalThis.BREEDS[k].traits));
        const now = this.history.at(-1)[k];
        if (now >= 0.04) labels.push([(low.at(-1) + high.at(-1)) / 2, `${name} ${percent(now)}`]);
        low = high;
      });
      for (const [y, words] of labels.reverse()) { // from the top, never closer than a line
        free = Math.min(y, free - 0.078);
        chart.text(this.generation, free, words);
      }
      chart.show();
    }

    drawDiversity() {
      const chart = this.kept, real = law.diversity(this.world);
      chart.top = Math.max(1, 1.05 * Math.max(...this.high, ...this.theory));
      chart.start(this.generation, -1);
      chart.band(this.low, this.high, "band", -1);
      chart.line(this.history.map((p) => law.diversity(p) / real), "run", -1);
      chart.line(this.theory, "theory", -1);
      chart.show();
      const tempered = this.tempered || this.temperature !== 1, mixed = this.mixed || this.realCount() > 0;
      const rule = tempered ? "the law for infinitely many dogs" : "the exact expectation";
      const chapter = mixed ? "new real dogs included (chapter 6)" : "as in chapter 1";
      this.note.textContent = `Line: this park. Band: the middle 80 of 100 other parks. Dashed: ${rule}, ${chapter}.`;
    }
  }

  // Shares as a hundred dogs: whole numbers, the largest remainders rounded up.
  function hundred(p) {
    const dogs = p.map((share) => Math.floor(100 * share + 1e-9));
    const rest = p.map((share, k) => [100 * share - dogs[k], k]).sort((a, b) => b[0] - a[0]);
    for (let i = 0, missing = 100 - sum(dogs); i < missing; i++) dogs[rest[i][1]]++;
    return dogs;
  }

  const css = (rgb) => `rgb(${rgb.map((c) => Math.round(255 * c)).join(" ")})`;
  const drawn = (traits) => css(law.dogShapes(traits)[5].fill); // the body's colour

  function drawDog(traits) {
    return law.dogShapes(traits).map((shape) => {
      const style = `fill="${css(shape.fill)}" ${shape.line ? 'stroke="#7a7a7a" stroke-width="0.012"' : ""}`;
      if (shape.kind === "polygon")
        return `<polygon points="${shape.points.map(([x, y]) => `${x},${1 - y}`).join(" ")}" ${style}/>`;
      const [x, y] = [shape.x, 1 - shape.y];
      return `<ellipse cx="${x}" cy="${y}" rx="${shape.width / 2}" ry="${shape.height / 2}" ${style}
        transform="rotate(${-shape.angle} ${x} ${y})"/>`;
    }).join("");
  }

  // ---- <gaussian-chains n="30" ddof="1"> -------------------------------------------------------------------------------

  const CHAINS = 1000, SHOWN = 100;

  class GaussianChains extends Demo {
    title_ = "A thousand chains of a Gaussian refitted to its own samples";
    pace = 120;

    build() {
      this.chart = new Chart({ title: "Variance of a hundred chains by generation, with mean and median", log: true,
        width: this.wide ? 680 : 360, height: this.wide ? 320 : 260, room: 60, bottom: 0.001, top: 100,
        ticks: [0.001, 0.01, 0.1, 1, 10, 100] });
      this.stage.append(html('<p class="demo-caption">Variance, 1 = real (logarithmic)</p>'), this.chart.svg);
      this.clock();
      this.slider("n", "Points each model learns from", [3, 5, 10, 20, 30, 50, 100, 200, 500, 1000], 30, (n) => n,
        () => this.draw());
      this.choice("ddof", "The variance divides by", [[1, "N − 1 (unbiased)"], [0, "N (maximum likelihood)"]],
        () => this.draw());
    }

    reset() {
      this.generation = -1;
      this.chains = Array.from({ length: CHAINS }, () => ({ mean: 0, logVariance: 0 }));
      this.paths = Array.from({ length: SHOWN }, () => [1]);
      this.median = [1];
      this.mean = [1];
      this.typical = [1];
      this.expected = [1];
      this.step();
    }

    step() {
      if (this.finished()) return;
      const { n, ddof } = this;
      this.chains = this.chains.map((chain) => law.refitGaussian(chain, n, ddof, this.uniform));
      const variances = this.chains.map((chain) => Math.exp(chain.logVariance));
      this.paths.forEach((path, i) => path.push(variances[i]));
      this.mean.push(sum(variances) / CHAINS);
      this.median.push(law.quantile(variances.sort((a, b) => a - b), 0.5));
      this.typical.push(this.typical.at(-1) * Math.exp(law.drift(n, ddof)));
      this.expected.push(this.expected.at(-1) * (n - 1) / (n - ddof));
      this.generation++;
      this.draw();
    }

    draw() {
      const chart = this.chart;
      chart.start(this.generation, -1);
      chart.parts.push(`<path class="chains" d="${this.paths.map((path) => `M${chart.points(path).join("L")}`).join("")}"/>`);
      chart.line(this.expected, "theory", -1);
      chart.line(this.typical, "theory", -1);
      chart.line(this.mean, "mean", -1);
      chart.line(this.median, "run", -1);
      const apart = Math.abs(chart.y(this.mean.at(-1)) - chart.y(this.median.at(-1))) > 13;
      if (apart) chart.text(this.generation, this.mean.at(-1), "mean", "mean-label");
      chart.text(this.generation, this.median.at(-1), apart ? "median" : "mean, median", "run-label");
      chart.show();
      const below = this.chains.filter((chain) => chain.logVariance < 0).length / CHAINS;
      const say = (value) => (value < 0.01 || value >= 1000 ? value.toExponential(1) : value.toPrecision(2));
      this.says.textContent = `Generation ${this.generation}: the median variance is ${say(this.median.at(-1))}, `
        + `the mean ${say(this.mean.at(-1))}; ${percent(below)} of the chains are below 1.`;
      this.note.textContent = "100 of 1,000 chains; mean (dotted) and median (solid) of all. Dashed: the exact mean, "
        + "and the exact geometric mean, which the typical run follows. On the left: the real variance, 1.";
    }
  }

  // ---- <real-share n="50" real="10"> --------------------------------------------------------------------------------------

  const LONG = 60; // generations, drawn at once

  class RealShare extends Demo {
    title_ = "How much of the variance a share of real data keeps";

    build() {
      this.chart = new Chart({ title: "Mean variance of 300 chains by generation",
        width: this.wide ? 680 : 360, height: this.wide ? 280 : 220, top: 1.6, ticks: [0, 0.5, 1, 1.5], room: 60 });
      this.stage.append(html('<p class="demo-caption">Variance, 1 = real</p>'), this.chart.svg);
      const changed = () => this.reset();
      const read = this.slider("real", "Real points in every generation", percents, 10,
        (share) => share ? `${this.realCount()} of ${this.n ?? 50}` : "none", changed);
      this.slider("n", "Points each model learns from", sizes, 50, (n) => n, () => { read(); changed(); });
      read();
      this.choice("source", "The real points are", [["new", "new ones every time"], ["same", "the same ones every time"]],
        changed);
      this.button("New chains", changed);
    }

    reset() {
      const { n } = this, real = this.realCount(), same = this.source === "same" && real > 0, chart = this.chart;
      this.dataset.regime = same ? "frozen" : real > 0 ? "fresh" : "replace"; // its colour through the book
      const runs = law.mixedGaussians({ n, real, same, chains: 300, generations: LONG + 1 }, this.uniform);
      const sorted = runs.map((row) => [...row].sort((a, b) => a - b));
      const mean = runs.map((row) => sum(row) / row.length);
      const kept = (t) => (same ? law.keptFrozen(t, n, real) : law.keptFresh(t, n, real));
      chart.start(LONG);
      chart.band(sorted.map((row) => law.quantile(row, 0.1)), sorted.map((row) => law.quantile(row, 0.9)), "band", 0);
      chart.line(mean.map((_, generation) => kept(generation + 1)), "theory", 0);
      chart.line(mean, "run", 0);
      chart.text(LONG, mean.at(-1), mean.at(-1).toFixed(2), "run-label");
      chart.show();
      this.says.textContent = real === 0
        ? `No real data: after ${LONG} generations the chains keep ${mean.at(-1).toFixed(2)} of the variance; in the end nothing.`
        : `${real} of ${n} points are real: in the long run ${kept(Infinity).toFixed(2)} of the variance stays (theory); `
          + `these chains have ${mean.at(-1).toFixed(2)}.`;
      this.note.textContent = "Solid: the mean of 300 chains, maximum likelihood. Band: the middle 80%. "
        + "Dashed: the exact expectation.";
    }
  }

  customElements.define("dog-park", DogPark);
  customElements.define("gaussian-chains", GaussianChains);
  customElements.define("real-share", RealShare);
})();
