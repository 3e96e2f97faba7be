// How much of a real update is kept by the best matrix of rank r: its singular values, the share of its square that they hold, and a corner of it.
const figure = document.getElementById("figure-rank");
const data = numbersOf(figure);
const total = data.sigma.reduce(function (sum, s) { return sum + s * s; }, 0);
const svg = drawing(figure, 440, 210);

svgElement(svg, "text", { x: 36, y: 14 }, "singular values of ΔW");
const across = logarithmic(1, data.sigma.length, 36, 420);
const floor = data.sigma[0] / 1000;
const down = logarithmic(floor, data.sigma[0], 176, 28);
[1, 4, 16, 64, 256].filter(function (n) { return n <= data.sigma.length; }).forEach(function (n) {
  svgElement(svg, "text", { x: across(n), y: 192, "text-anchor": "middle" }, String(n));
});
svgElement(svg, "text", { x: 228, y: 207, "text-anchor": "middle" }, "number of the singular value");
[1, 0.1, 0.01].forEach(function (share) {
  const y = down(data.sigma[0] * share);
  svgElement(svg, "line", { class: "grid", x1: 36, x2: 426, y1: y, y2: y });
  svgElement(svg, "text", { x: 31, y: y + 4, "text-anchor": "end" }, String(share));
});
const dots = data.sigma.map(function (s, n) {
  return svgElement(svg, "circle", { cx: across(n + 1), cy: down(Math.max(s, floor)), r: 3 });
});

const pictures = drawing(figure, 440, 190);
pictures.setAttribute("aria-label", "A corner of the update, and the same corner of its best approximation of the rank chosen");
svgElement(pictures, "text", { x: 36, y: 12 }, "a corner of ΔW");
svgElement(pictures, "text", { x: 246, y: 12 }, "the same, of rank r");
const side = data.corner.length;
squares(pictures, side, side, 36, 20, 166)(data.corner, 1);
const fill = squares(pictures, side, side, 246, 20, 166);

const rank = slider(figure, "rank r", [1, data.U[0].length, 1, 4], String, change);
const said = htmlElement(figure, "p", { "aria-live": "polite" });

function change() {
  const r = rank();
  const kept = data.sigma.slice(0, r).reduce(function (sum, s) { return sum + s * s; }, 0);
  dots.forEach(function (dot, n) { dot.setAttribute("class", n < r ? "kept" : "left"); });
  fill(data.U.map(function (u) {
    return data.V.map(function (v) {
      let value = 0;
      for (let n = 0; n < r; n++) value += u[n] * data.sigma[n] * v[n];
      return value;
    });
  }), data.largest);
  const rows = data.shape[0], columns = data.shape[1];
  const parameters = r * (rows + columns);
  said.textContent = "‖ΔW − ΔWᵣ‖ / ‖ΔW‖ = " + (100 * Math.sqrt(Math.max(0, 1 - kept / total))).toFixed(1) + "%, with "
    + parameters.toLocaleString("en") + " parameters in the place of " + (rows * columns).toLocaleString("en")
    + " (" + (100 * parameters / (rows * columns)).toFixed(1) + "%).";
}
change();
