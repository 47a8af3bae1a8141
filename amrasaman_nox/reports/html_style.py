"""The style sheet of the HTML report; it is part of the page, since the page is one file."""

from __future__ import annotations

from typing import Final

STYLE: Final = """
:root {
  --ground: #f6f7f9; --card: #ffffff; --ink: #1c2430; --soft: #5a6675; --line: #d9dee6;
  --code: #f0f2f5; --good: #14703b; --near: #0b6177; --bad: #b3261e; --warn: #8a5a00;
  --good-soft: #dff3e6; --near-soft: #dbf0f5; --bad-soft: #fbe3e1; --warn-soft: #fbedd2;
  --accent: #2f5fd0;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12161c; --card: #1a2029; --ink: #e4e9f0; --soft: #9ba8b8; --line: #2e3743;
    --code: #131920; --good: #6fd49a; --near: #6cc8dd; --bad: #ff9c94; --warn: #f0bf63;
    --good-soft: #173526; --near-soft: #14333c; --bad-soft: #44201e; --warn-soft: #3c2e13;
    --accent: #8fb0ff;
  }
}
* { box-sizing: border-box; }
html { color-scheme: light dark; -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
header, main, footer { max-width: 78rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2rem; }
footer { padding-top: 1rem; padding-bottom: 3rem; color: var(--soft); font-size: .9rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .75rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .75rem; }
h3 { font-size: 1rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
p { margin: .25rem 0 .5rem; overflow-wrap: anywhere; }
code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
code { font-size: .875em; overflow-wrap: anywhere; }
.badge {
  display: inline-block; padding: .1rem .6rem; border-radius: 1rem; font-size: .8125rem;
  font-weight: 600; overflow-wrap: anywhere; color: var(--soft); background: var(--code);
}
.good { color: var(--good); background: var(--good-soft); }
.near { color: var(--near); background: var(--near-soft); }
.bad { color: var(--bad); background: var(--bad-soft); }
.warn { color: var(--warn); background: var(--warn-soft); }
.counts { display: flex; flex-wrap: wrap; gap: .5rem; margin: 0 0 1rem; padding: 0; }
.counts li { list-style: none; font-size: .9375rem; padding: .2rem .8rem; }
.verdict { font-size: 1.15rem; font-weight: 600; }
a { color: var(--accent); }
.controls { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; }
.controls[hidden], [data-list] > [hidden] { display: none; }
.controls input, .controls select {
  font: inherit; color: var(--ink); background: var(--card); border: 1px solid var(--soft);
  border-radius: .4rem; padding: .2rem .5rem; max-width: 100%;
}
.controls :focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
.controls output { color: var(--soft); }
.controls { margin: 0 0 1rem; }
pre + .sources { margin-top: .6rem; }
.sources > details {
  background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  margin: 0 0 .6rem; overflow: hidden; content-visibility: auto; contain-intrinsic-size: auto 3rem;
}
summary { cursor: pointer; padding: .65rem 1rem; }
summary:focus-visible { outline: 2px solid var(--accent); outline-offset: -2px; }
.sources > details > summary {
  display: grid; grid-template-columns: minmax(9rem, 16rem) 6.5rem 1fr; gap: .25rem 1rem;
  align-items: baseline; list-style: none;
}
.sources > details > summary::-webkit-details-marker { display: none; }
.sources > details > summary b { overflow-wrap: anywhere; }
.sources > details > summary b::before {
  content: "▸"; display: inline-block; width: 1.1em; color: var(--soft); font-weight: 400;
}
.sources > details[open] > summary b::before { content: "▾"; }
.version { color: var(--soft); font-weight: 400; }
.why { color: var(--soft); overflow-wrap: anywhere; }
.body { padding: .25rem 1rem 1rem; border-top: 1px solid var(--line); }
dl { display: grid; grid-template-columns: 9rem 1fr; gap: .2rem 1rem; margin: .75rem 0; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; min-width: 0; }
dd ul { margin: 0; padding: 0; list-style: none; }
main > ul { margin: 0; padding-left: 1.1rem; }
.difference { border-top: 1px solid var(--line); padding: 1rem 0 .9rem; }
.pair {
  display: grid; align-items: start; gap: 1.25rem;
  grid-template-columns: minmax(15rem, 2fr) minmax(0, 3fr);
}
.alone { grid-template-columns: minmax(0, 1fr); }
.cause { min-width: 0; }
.cause h4 { margin: 0 0 .25rem; font-size: 1rem; }
.cause dl { display: block; margin: .5rem 0 0; }
.cause dt { font-size: .8125rem; font-weight: 600; margin-top: .5rem; }
.kind { color: var(--soft); font-weight: 400; }
pre {
  margin: 0; padding: .6rem .75rem; background: var(--code); border: 1px solid var(--line);
  border-radius: .4rem; font-size: .8125rem; line-height: 1.45; overflow: auto; max-height: 26rem;
}
pre span { display: inline-block; min-width: 100%; }
mark { color: inherit; background: none; font-weight: 700; text-decoration: underline; }
.following { border-top: 1px solid var(--line); padding: .5rem 0; }
.following > summary { padding: .25rem 0; color: var(--soft); }
.add { background: var(--good-soft); }
.del { background: var(--bad-soft); }
.hunk { color: var(--soft); }
table { width: 100%; border-collapse: collapse; background: var(--card); }
th, td { text-align: left; padding: .5rem .75rem; border-bottom: 1px solid var(--line); }
td { overflow-wrap: anywhere; vertical-align: baseline; }
th { color: var(--soft); font-size: .8125rem; }
.card {
  background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  padding: 1rem; margin: 0 0 .6rem;
}
@media (max-width: 46rem) {
  header, main, footer { padding-left: .75rem; padding-right: .75rem; }
  header { padding-top: 1.25rem; }
  .sources > details > summary { grid-template-columns: 1fr auto; }
  .why { grid-column: 1 / -1; }
  .pair { grid-template-columns: minmax(0, 1fr); gap: .75rem; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dt { font-size: .8125rem; margin-top: .4rem; }
  thead { display: none; }
  tr { display: block; padding: .5rem 0; border-bottom: 1px solid var(--line); }
  td { display: block; border: 0; padding: .1rem .75rem; }
  td[data-label]::before {
    content: attr(data-label) " "; color: var(--soft); font-size: .8125rem;
  }
}
@media print { pre { max-height: none; white-space: pre-wrap; } }
"""
