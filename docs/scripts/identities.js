// One linear layer with L = ½·mean‖(W₀ + sBA)x − y‖². The browser computes gradients by central differences and compares them with what the identities say.
const figure = document.getElementById("figure-identities");
const data = numbersOf(figure);
const rows = data.W.length, columns = data.W[0].length, count = data.X[0].length;
const pictures = drawing(figure, 440, 180);
svgElement(pictures, "text", { x: 40, y: 12 }, "full: −ηs²G");
svgElement(pictures, "text", { x: 250, y: 12 }, "LoRA: sB′A′ − sBA");
const fillFull = squares(pictures, rows, columns, 40, 22, 150);
const fillOwn = squares(pictures, rows, columns, 250, 22, 150);

let seed = 1;
const rank = slider(figure, "rank r", [1, columns, 1, 2], String, change);
const scale = slider(figure, "scale s", [0.25, 4, 0.25, 1], brief, change);
const rate = slider(figure, "rate η", [0.01, 0.5, 0.01, 0.1], brief, change);
const start = choice(figure, "B", ["zero, as at the start", "at random, as if after training"], change);
const shape = choice(figure, "A", ["at random", "orthonormal rows"], change);
const again = htmlElement(figure, "button", { type: "button" }, "draw A and B again");
again.addEventListener("click", function () { seed += 1; change(); });
const said = htmlElement(figure, "p", { "aria-live": "polite" });
const holder = htmlElement(figure, "div", { class: "wide" });

// Gaussian numbers from a seed (mulberry32 and Box-Muller), so that a slider does not draw anew.
function gaussians(start) {
  let state = start >>> 0;
  function uniform() {
    state = (state + 0x6D2B79F5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
  return function () { return Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()); };
}

function matrix(m, n, next) {
  return Array.from({ length: m }, function () { return Array.from({ length: n }, next); });
}

function orthonormal(a) {  // Gram and Schmidt, row by row
  const done = [];
  a.forEach(function (row) {
    let rest = row.slice();
    done.forEach(function (other) {
      const along = inner([rest], [other]);
      rest = rest.map(function (value, j) { return value - along * other[j]; });
    });
    const size = length([rest]);
    done.push(rest.map(function (value) { return value / size; }));
  });
  return done;
}

function miss(A, B, s) {  // (W₀ + sBA)X − Y
  return mixture(1, product(mixture(1, data.W, s, product(B, A)), data.X), -1, data.Y);
}

function loss(A, B, s) {
  const e = miss(A, B, s);
  return inner(e, e) / (2 * count);
}

function differences(a, value) {  // ∂value/∂a by central differences; a is changed and put back
  const h = 1e-4;
  return a.map(function (row, i) {
    return row.map(function (kept, j) {
      row[j] = kept + h;
      const up = value();
      row[j] = kept - h;
      const under = value();
      row[j] = kept;
      return (up - under) / (2 * h);
    });
  });
}

function change() {
  const r = rank(), s = scale(), eta = rate(), next = gaussians(seed);
  const drawnA = matrix(columns, columns, next), drawnB = matrix(rows, columns, next);
  let A = (shape() ? orthonormal(drawnA) : drawnA.map(function (row) { return row.map(function (v) { return v / Math.sqrt(columns); }); })).slice(0, r);
  const B = drawnB.map(function (row) { return row.slice(0, r).map(function (v) { return start() ? 0.3 * v : 0; }); });

  const G = product(miss(A, B, s), transposed(data.X)).map(function (row) { return row.map(function (v) { return v / count; }); });
  const dA = differences(A, function () { return loss(A, B, s); });
  const dB = differences(B, function () { return loss(A, B, s); });
  const statedA = product(transposed(B), G), statedB = product(G, transposed(A));
  const newA = mixture(1, A, -eta * s, statedA), newB = mixture(1, B, -eta * s, statedB);
  const own = mixture(s, product(newB, newA), -s, product(B, A));
  const first = mixture(1, product(statedB, A), 1, product(B, statedA));
  const second = product(statedB, statedA);
  const full = mixture(-eta * s * s, G, 0, G);

  const largest = Math.max.apply(null, full.concat(own).map(function (row) { return Math.max.apply(null, row.map(Math.abs)); }));
  fillFull(full, largest);
  fillOwn(own, largest);
  said.textContent = "The cosine between the two steps is " + (inner(full, own) / (length(full) * length(own))).toFixed(3)
    + "; LoRA’s is " + brief(length(own) / length(full)) + " times as long.";

  const none = mixture(0, statedA, 0, statedA);
  table([
    ["∂A = sBᵀG", dA, mixture(s, statedA, 0, statedA), length(dB)],
    ["∂B = sGAᵀ", dB, mixture(s, statedB, 0, statedB), 0],
    ["step = −ηs²(GAᵀA + BBᵀG) + η²s³GAᵀBᵀG", own, mixture(-eta * s * s, first, eta * eta * s * s * s, second), 0],
    ["the same without the last term", own, mixture(-eta * s * s, first, 0, first), 0],
    ["Bᵀ∂B = ∂A Aᵀ", product(transposed(B), dB), product(dA, transposed(A)), length(dB)],
    ["∂A = 0", dA, none, length(dB)],
    ["step = −ηs²G, full fine-tuning’s", own, full, 0],
  ]);
}

// Each row: statement, found, stated, and a size to compare with where both sides are zero.
function table(statements) {
  holder.textContent = "";
  const body = htmlElement(holder, "table", {});
  const head = htmlElement(body, "tr", {});
  ["statement", "error", "holds"].forEach(function (text) { htmlElement(head, "th", {}, text); });
  statements.forEach(function (row) {
    const error = length(mixture(1, row[1], -1, row[2])) / Math.max(length(row[2]), row[3]);
    const line = htmlElement(body, "tr", {});
    htmlElement(line, "td", {}, row[0]);
    htmlElement(line, "td", {}, brief(error));
    htmlElement(line, "td", { class: error < 1e-6 ? "yes" : "no" }, error < 1e-6 ? "yes" : "no");
  });
}
change();
