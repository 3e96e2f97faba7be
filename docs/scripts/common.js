// Shared by the figures: drawing in SVG, sliders, and the few matrix functions that they need. Put before each figure's own script, in one function with it.
"use strict";
const SPACE = "http://www.w3.org/2000/svg";

function svgElement(parent, kind, attributes, text) {
  const element = document.createElementNS(SPACE, kind);
  for (const name in attributes) element.setAttribute(name, attributes[name]);
  if (text !== undefined) element.textContent = text;
  parent.appendChild(element);
  return element;
}

function htmlElement(parent, kind, attributes, text) {
  const element = document.createElement(kind);
  for (const name in attributes) element.setAttribute(name, attributes[name]);
  if (text !== undefined) element.textContent = text;
  parent.appendChild(element);
  return element;
}

function numbersOf(figure) {
  return JSON.parse(figure.querySelector("script[type='application/json']").textContent);
}

function drawing(figure, width, height) {
  return svgElement(figure, "svg", {
    viewBox: "0 0 " + width + " " + height, role: "img", "aria-label": figure.dataset.title,
  });
}

// A slider with its name before and its value after it; change is called with each new value.
function slider(figure, name, range, shown, change) {
  const label = htmlElement(figure, "label", {});
  htmlElement(label, "span", {}, name);
  const input = htmlElement(label, "input", { type: "range", min: range[0], max: range[1], step: range[2], value: range[3] });
  const output = htmlElement(label, "output", {}, shown(range[3]));
  input.addEventListener("input", function () {
    output.textContent = shown(Number(input.value));
    change();
  });
  return function () { return Number(input.value); };
}

function choice(figure, name, options, change) {
  const label = htmlElement(figure, "label", {});
  htmlElement(label, "span", {}, name);
  const select = htmlElement(label, "select", {});
  options.forEach(function (text) { htmlElement(select, "option", {}, text); });
  select.addEventListener("change", change);
  return function () { return select.selectedIndex; };
}

function brief(value) {
  if (value === 0) return "0";
  if (Math.abs(value) >= 0.001 && Math.abs(value) < 10000) return String(Number(value.toPrecision(3)));
  return value.toExponential(1).replace("-", "\u2212");
}

function product(a, b) {
  return a.map(function (row) {
    return b[0].map(function (_, j) {
      return row.reduce(function (sum, value, k) { return sum + value * b[k][j]; }, 0);
    });
  });
}

function transposed(a) {
  return a[0].map(function (_, j) { return a.map(function (row) { return row[j]; }); });
}

// x·a + y·b, element by element
function mixture(x, a, y, b) {
  return a.map(function (row, i) { return row.map(function (value, j) { return x * value + y * b[i][j]; }); });
}

function inner(a, b) {
  return a.reduce(function (sum, row, i) {
    return sum + row.reduce(function (part, value, j) { return part + value * b[i][j]; }, 0);
  }, 0);
}

function length(a) { return Math.sqrt(inner(a, a)); }

// Squares of a matrix, orange above zero and blue below, the stronger the larger; fill again with the function it returns.
function squares(svg, rows, columns, x, y, side) {
  const cell = side / Math.max(rows, columns);
  const marks = [];
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      marks.push(svgElement(svg, "rect", { x: x + j * cell, y: y + i * cell, width: cell * 0.96, height: cell * 0.96 }));
    }
  }
  svgElement(svg, "rect", { class: "frame", x: x - 1, y: y - 1, width: columns * cell + 2, height: rows * cell + 2 });
  return function (a, largest) {
    marks.forEach(function (mark, n) {
      const value = a[Math.floor(n / columns)][n % columns] / largest;
      mark.setAttribute("class", value < 0 ? "below" : "above");
      mark.setAttribute("opacity", Math.min(1, Math.abs(value)).toFixed(3));
    });
  };
}

// A logarithmic scale: value to pixel.
function logarithmic(low, high, from, to) {
  return function (value) { return from + (to - from) * Math.log(value / low) / Math.log(high / low); };
}
