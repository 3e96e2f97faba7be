// The first step from B = 0 is ΔW₁ = −ηs²GAᵀA: as a share of full fine-tuning's, s²rσ² on average. Dots are measured, lines are the formula.
const figure = document.getElementById("figure-scale");
const data = numbersOf(figure);
const variance = 1 / (3 * data.inputs);  // of U(−1/√in, 1/√in)
const svg = drawing(figure, 440, 240);
const last = data.ranks[data.ranks.length - 1];
const across = logarithmic(1, last, 48, 420);
const down = logarithmic(1e-6, 1e4, 196, 26);

svgElement(svg, "text", { x: 48, y: 14 }, "first step, as a multiple of full fine-tuning's");
data.ranks.forEach(function (r) {
  svgElement(svg, "text", { x: across(r), y: 213, "text-anchor": "middle" }, String(r));
});
svgElement(svg, "text", { x: 234, y: 232, "text-anchor": "middle" }, "rank r");
[-6, -4, -2, 0, 2, 4].forEach(function (power) {
  const y = down(Math.pow(10, power));
  svgElement(svg, "line", { class: "grid", x1: 48, x2: 426, y1: y, y2: y });
  svgElement(svg, "text", { x: 43, y: y + 4, "text-anchor": "end" }, power === 0 ? "1" : "1e" + String(power).replace("-", "\u2212"));
});

const kinds = [
  { name: "α/r", kind: "first", scale: function (alpha, r) { return alpha / r; } },
  { name: "α/√r", kind: "second", scale: function (alpha, r) { return alpha / Math.sqrt(r); } },
].map(function (kind) {
  kind.line = svgElement(svg, "polyline", { class: "curve " + kind.kind });
  kind.dots = data.ranks.map(function () { return svgElement(svg, "circle", { class: kind.kind, r: 3 }); });
  kind.label = svgElement(svg, "text", { class: kind.kind, "text-anchor": "end" }, "s = " + kind.name);
  kind.here = svgElement(svg, "circle", { class: "here " + kind.kind, r: 7 });
  return kind;
});

const alpha = slider(figure, "α", [0, 7, 0.5, 4], function (power) { return brief(Math.pow(2, power)); }, change);
const rank = slider(figure, "rank r", [0, Math.log2(last), 1, 3], function (power) { return brief(Math.pow(2, power)); }, change);
const said = htmlElement(figure, "p", { "aria-live": "polite" });

function share(kind, a, r) { return Math.pow(kind.scale(a, r), 2) * r * variance; }

function change() {
  const a = Math.pow(2, alpha()), r = Math.pow(2, rank());
  kinds.forEach(function (kind) {
    kind.line.setAttribute("points", data.ranks.map(function (n) { return across(n) + "," + down(share(kind, a, n)); }).join(" "));
    kind.dots.forEach(function (dot, n) {
      dot.setAttribute("cx", across(data.ranks[n]));
      dot.setAttribute("cy", down(Math.pow(kind.scale(a, data.ranks[n]), 2) * data.shares[n]));
    });
    kind.here.setAttribute("cx", across(r));
    kind.here.setAttribute("cy", down(share(kind, a, r)));
    kind.label.setAttribute("x", 424);
    kind.label.setAttribute("y", down(share(kind, a, last)) - 8);
  });
  const s = a / r;
  said.textContent = "s = α/r = " + brief(s) + ": the first step of gradient descent is " + brief(share(kinds[0], a, r))
    + " times full fine-tuning’s on average; with α/√r it is " + brief(share(kinds[1], a, r)) + " times. "
    + "The whole run is that of s = 1 with A and B at the start multiplied by " + brief(Math.sqrt(s)) + " and the learning rate by "
    + brief(Math.sqrt(s)) + " (Adam) or " + brief(s) + " (gradient descent).";
}
change();
