"""The script of the HTML report: filters and sorts what the page shows; without it all is there."""

from __future__ import annotations

from typing import Final

SCRIPT: Final = """
"use strict";
const controls = document.querySelector(".controls");
const [name, state, order] = controls.querySelectorAll("input, select");
const shown = controls.querySelector("output");
const lists = [...document.querySelectorAll("[data-list]")]
  .map((list) => [list, [...list.children]]);
function filter() {
  const wanted = name.value.trim().toLowerCase();
  let left = 0;
  for (const [, rows] of lists) {
    for (const row of rows) {
      const fits = row.dataset.name.includes(wanted) &&
        (!state.value || row.dataset.state === state.value);
      row.hidden = !fits;
      left += fits;
    }
  }
  shown.textContent = `${left} shown`;
}
function sort() {
  for (const [list, rows] of lists) {
    const key = (row) => row.dataset[order.value] || "";
    list.append(...rows.slice().sort((one, other) => key(one).localeCompare(key(other), "en")));
  }
}
name.addEventListener("input", filter);
state.addEventListener("change", filter);
order.addEventListener("change", sort);
controls.addEventListener("submit", (event) => event.preventDefault());
controls.hidden = false;
filter();
"""
