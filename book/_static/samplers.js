// The laws of the live demos: the same loop, drawn in the browser. No page, no drawing: node can load this file too,
// and tests/test_demo.py compares it with book/collapse/theory.py.
"use strict";

(() => {
  // ---- randomness ---------------------------------------------------------------------------------------------

  // A small fast generator of 32-bit words (the public "sfc32"), seeded by one whole number.
  function generator(seed) {
    let a = 0x9e3779b9 ^ seed, b = 0x243f6a88, c = 0xb7e15162, counter = seed | 1;
    const uniform = () => {
      const word = (a + b + counter) | 0;
      counter = (counter + 1) | 0;
      a = b ^ (b >>> 9);
      b = (c + (c << 3)) | 0;
      c = ((c << 21) | (c >>> 11)) + word | 0;
      return ((word >>> 0) + 0.5) / 4294967296; // never 0, never 1
    };
    for (let i = 0; i < 20; i++) uniform();
    return uniform;
  }

  function normal(uniform) {
    return Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  }

  // Gamma by Marsaglia and Tsang (2000); a shape below 1 is lifted by one and scaled back.
  function gamma(shape, uniform) {
    if (shape < 1) return gamma(shape + 1, uniform) * Math.pow(uniform(), 1 / shape);
    const d = shape - 1 / 3, c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = normal(uniform), v = (1 + c * x) ** 3;
      if (v > 0 && Math.log(uniform()) < x * x / 2 + d - d * v + d * Math.log(v)) return d * v;
    }
  }

  const chiSquare = (degrees, uniform) => (degrees > 0 ? 2 * gamma(degrees / 2, uniform) : 0);

  // Binomial, exact: the median order statistic of n uniforms is a beta; it halves n until counting is cheap.
  function binomial(n, p, uniform) {
    let count = 0;
    while (n > 24) {
      const middle = 1 + (n >> 1), x = gamma(middle, uniform), y = gamma(n + 1 - middle, uniform);
      const split = x / (x + y);
      if (split <= p) {
        count += middle;
        n -= middle;
        p = (p - split) / (1 - split);
      } else {
        n = middle - 1;
        p /= split;
      }
    }
    for (; n > 0; n--) if (uniform() < p) count++;
    return count;
  }

  // Counts of n draws from shares p.
  function multinomial(n, p, uniform) {
    const counts = new Array(p.length).fill(0);
    let left = n, mass = 1;
    for (let k = 0; k < p.length && left > 0; k++) {
      if (p[k] <= 0) continue;
      counts[k] = p[k] >= mass * (1 - 1e-12) ? left : binomial(left, p[k] / mass, uniform);
      left -= counts[k];
      mass -= p[k];
    }
    if (left > 0) counts[p.findLastIndex((share) => share > 0)] += left; // what rounding left over
    return counts;
  }

  // ---- categories: the dog park -----------------------------------------------------------------------------------

  const shares = (counts) => {
    const total = counts.reduce((sum, count) => sum + count, 0);
    return counts.map((count) => count / total);
  };
  const diversity = (p) => 1 - p.reduce((sum, share) => sum + share * share, 0);

  // p^(1/temperature), renormalised; zeros stay zero (law D9).
  function temper(p, temperature) {
    if (temperature === 1) return p;
    const top = Math.max(...p), weights = p.map((share) => (share > 0 ? (share / top) ** (1 / temperature) : 0));
    return shares(weights);
  }

  // One generation: n samples, of which `real` are real, the rest from the last model; then the fit.
  // Real samples are new ones from `world`, or the same counts `anchor` every time.
  function refit(p, world, { n, real = 0, temperature = 1, anchor = null }, uniform) {
    const made = multinomial(n - real, temper(p, temperature), uniform);
    const given = real === 0 ? null : anchor ?? multinomial(real, world, uniform);
    return shares(given ? made.map((count, k) => count + given[k]) : made);
  }

  const firstFit = (world, n, uniform) => shares(multinomial(n, world, uniform));

  // What theory expects of E H_t / H_0, one refit further. Honest: the loss V obeys law F1, without real data D1.
  const nextLoss = (loss, n, real) => {
    const alpha = real / n;
    return 1 / n + (1 - alpha) * (1 - alpha - 1 / n) * loss;
  };

  // The same with a temperature: infinitely many samples, law D9 when there are no real ones.
  const nextLimit = (p, world, alpha, temperature) =>
    temper(p, temperature).map((share, k) => alpha * world[k] + (1 - alpha) * share);

  // What is kept after t refits with `real` of n points new every time (law F1; t may be Infinity), or the same ones
  // every time (law F5).
  function keptFresh(t, n, real) {
    const alpha = real / n, rho = (1 - alpha) * (1 - alpha - 1 / n);
    return 1 - (1 - rho ** t) / (n * alpha * (2 - alpha) + 1 - alpha);
  }
  function keptFrozen(t, n, real) {
    const alpha = real / n, q = 1 - alpha, own = 1 - 1 / real, rho = q * (q - 1 / n);
    const excess = 2 / real - 2 / n, limit = q * own / (n * (1 - rho)), slow = excess / (real + 1), g = t - 1;
    return own + excess * q ** g - limit - slow * q ** g - (1 / real - 1 / n - limit - slow) * rho ** g;
  }

  // ---- one Gaussian -------------------------------------------------------------------------------------------------

  // One refit of a chain {mean, logVariance} to n of its own samples, by its sufficient statistics (sampler S2).
  function refitGaussian(chain, n, ddof, uniform) {
    const mean = chain.mean + Math.exp(chain.logVariance / 2) * normal(uniform) / Math.sqrt(n);
    return { mean, logVariance: chain.logVariance + Math.log(chiSquare(n - 1, uniform) / (n - ddof)) };
  }

  // Chains that refit by maximum likelihood to n points, of which `real` come from the standard normal, new ones in
  // every generation (law F1) or the same ones (law F5); sampler S5. Returns variances[generation][chain].
  function mixedGaussians({ n, real, same, chains, generations }, uniform) {
    const batch = (size, mean, variance) => (size === 0 ? [0, 0] : [
      mean + Math.sqrt(variance / size) * normal(uniform), variance * chiSquare(size - 1, uniform)]);
    const kept = Array.from({ length: chains }, () => batch(real, 0, 1));
    const models = Array.from({ length: chains }, () => [0, 1]); // before the first fit: the real world itself
    return Array.from({ length: generations }, () => models.map(([mean, variance], i) => {
      const [realMean, realScatter] = same ? kept[i] : batch(real, 0, 1), made = n - real;
      const [madeMean, madeScatter] = batch(made, mean, variance);
      const between = (real * made / n) * (realMean - madeMean) ** 2;
      models[i] = [(real * realMean + made * madeMean) / n, (realScatter + madeScatter + between) / n];
      return models[i][1];
    }));
  }

  // The digamma function, by its series from 12 upwards.
  function digamma(x) {
    let value = 0;
    for (; x < 12; x++) value -= 1 / x;
    const y = 1 / (x * x);
    return value + Math.log(x) - 1 / (2 * x) - y * (1 / 12 - y * (1 / 120 - y / 252));
  }

  // E ln of the factor of one refit (laws G1, G2): the slope of the typical run.
  const drift = (n, ddof) => digamma((n - 1) / 2) - Math.log((n - ddof) / 2);

  function quantile(sorted, level) {
    const at = level * (sorted.length - 1), low = Math.floor(at);
    return sorted[low] + (at - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
  }

  // ---- the cartoon dog: the geometry of figures.draw_dog, as plain shapes --------------------------------------------

  function coat(lightness, warmth) {
    const grey = [0.93, 0.92, 0.9], gold = [0.98, 0.74, 0.36];
    return grey.map((g, i) => Math.min(1, Math.max(0, (0.18 + 0.82 * lightness) * (g + warmth * (gold[i] - g)))));
  }

  // Shapes in the unit square, y upwards: {kind, fill, line} and points, or x, y, width, height, angle in degrees.
  function dogShapes(traits) {
    const [size, legs, muzzle, ears, tail, lightness, warmth] = traits.map((t) => Math.min(1, Math.max(0, t)));
    const colour = coat(lightness, warmth), dark = coat(0.55 * lightness, warmth), black = [2 / 15, 2 / 15, 2 / 15];
    const scale = 0.72 + 0.28 * size, body = 0.17 + 0.06 + 0.17 * legs, head = [0.71, body + 0.19];
    const place = (x, y) => [0.5 + scale * (x - 0.5), 0.06 + scale * y];
    const shapes = [];
    const ellipse = (x, y, width, height, fill, angle = 0, line = true) => {
      const [px, py] = place(x, y);
      shapes.push({ kind: "ellipse", x: px, y: py, width: scale * width, height: scale * height, angle, fill, line });
    };
    const dot = (x, y, radius) => {
      const [px, py] = place(x, y);
      shapes.push({ kind: "ellipse", x: px, y: py, width: 2 * radius, height: 2 * radius, angle: 0, fill: black, line: false });
    };

    for (const foot of [0.25, 0.34, 0.53, 0.62]) {
      const points = [[foot - 0.03, body], [foot + 0.03, body], [foot + 0.03, 0.03], [foot - 0.03, 0.03]];
      shapes.push({ kind: "polygon", points: points.map(([x, y]) => place(x, y)), line: true,
        fill: foot === 0.34 || foot === 0.62 ? dark : colour });
    }
    const reach = 0.05 + 0.2 * tail;
    ellipse(0.19 - 0.35 * reach, body + 0.06 + 0.4 * reach, 0.06, 1.4 * reach, colour, 40);
    ellipse(0.44, body, 0.54, 0.25, colour);
    ellipse(head[0] - 0.06, head[1] - 0.09, 0.17, 0.27, colour, -35, false);
    ellipse(head[0], head[1], 0.23, 0.22, colour);
    const snout = 0.07 + 0.13 * muzzle;
    ellipse(head[0] + 0.05 + 0.6 * snout, head[1] - 0.035, 1.4 * snout, 0.1, colour);
    dot(head[0] + 0.05 + 1.25 * snout, head[1] - 0.02, 0.018 * scale + 0.004);
    dot(head[0] + 0.045, head[1] + 0.04, 0.014 * scale + 0.003);
    const turn = Math.PI * (0.5 - ears), length = 0.08 + 0.07 * ears; // upright at 0, hanging at 1
    ellipse(head[0] - 0.06 - 0.02 * ears, head[1] + 0.05 + Math.sin(turn) * length * 0.6, 0.075, 1.5 * length, dark,
      12 * Math.cos(turn));
    return shapes;
  }

  const samplers = {
    generator, normal, gamma, chiSquare, binomial, multinomial, shares, diversity, temper, refit, firstFit, nextLoss,
    nextLimit, keptFresh, keptFrozen, refitGaussian, mixedGaussians, drift, quantile, dogShapes,
  };
  if (typeof module === "object") module.exports = samplers;
  else globalThis.samplers = samplers;
})();
