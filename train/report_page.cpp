#include "train/report_page.h"

namespace lacuna {

const char* const report_style = R"css(
:root {
  color-scheme: light dark;
  --paper: #fdfcfa; --card: #ffffff; --ink: #1d1d1b; --soft: #6c6a66; --line: #e4e1db; --tint: #f4f2ee; --accent: #0b62c4;
  --m0: #0b62c4; --m1: #c8443f; --m2: #1f8a63; --m3: #a9700f; --m4: #7a4bb8; --m5: #2b7f95; --m6: #a8457c; --m7: #66704f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #141516; --card: #1b1d1f; --ink: #e9e7e2; --soft: #9b9892; --line: #303336; --tint: #202326; --accent: #78b4ff;
    --m0: #78b4ff; --m1: #ff8f88; --m2: #5fd0a2; --m3: #e6b25a; --m4: #bf9ffb; --m5: #76c4d9; --m6: #ec97c4; --m7: #b5bd9a;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 1160px; margin: 0 auto; padding: 0 24px 80px; }
header { padding: 56px 0 8px; max-width: 760px; }
h1, h2 { font-family: ui-serif, "Iowan Old Style", Charter, Georgia, "Noto Serif", serif; font-weight: 500; line-height: 1.15; text-wrap: balance; }
h1 { font-size: clamp(30px, 5vw, 44px); margin: 6px 0 18px; letter-spacing: -.01em; }
h2 { font-size: 26px; margin: 0 0 6px; }
h3 { font-size: 15px; font-weight: 600; margin: 28px 0 8px; }
p { margin: 0 0 14px; max-width: 68ch; }
section { margin-top: 56px; }
.eyebrow { color: var(--soft); font-size: 13px; letter-spacing: .08em; text-transform: uppercase; margin: 0; }
.lede { font-size: 18px; }
.soft, figcaption { color: var(--soft); font-size: 14px; }
.scroll { overflow-x: auto; margin: 18px 0 10px; border: 1px solid var(--line); border-radius: 10px; background: var(--card); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 10px 14px; text-align: right; white-space: nowrap; }
thead th { font-weight: 500; font-size: 13px; color: var(--soft); border-bottom: 1px solid var(--line); vertical-align: bottom; }
th:first-child { text-align: left; position: sticky; left: 0; background: var(--card); }
tbody th { font-weight: 500; max-width: 44vw; overflow: hidden; text-overflow: ellipsis; }
tbody tr + tr > * { border-top: 1px solid var(--line); }
tbody tr.original > * { color: var(--soft); font-weight: 400; }
td.best { font-weight: 700; }
.swatch { display: inline-block; width: 10px; height: 10px; border-radius: 50%; margin-right: 9px; background: currentColor; }
.swatch.original { background: none; border: 1.5px dashed var(--soft); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 14px; margin: 12px 0 4px; padding: 0; list-style: none; }
.legend .swatch { margin-right: 6px; }
.picker { display: flex; flex-wrap: wrap; gap: 10px 18px; align-items: center; margin: 16px 0; font-size: 14px; }
select { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 6px 10px; max-width: 60vw; }
.beside { display: grid; grid-template-columns: minmax(0, 460px) minmax(0, 1fr); gap: 24px 36px; align-items: start; }
figure { margin: 0; }
[hidden] { display: none !important; }
svg { display: block; width: 100%; height: auto; overflow: visible; font: 12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
svg svg { overflow: hidden; }
svg .grid { stroke: var(--line); }
svg .axis { fill: var(--soft); font-variant-numeric: tabular-nums; }
svg .title { fill: var(--soft); font-size: 13px; }
svg .diagonal { stroke: var(--soft); stroke-dasharray: 4 4; }
svg .better { fill: var(--tint); }
svg .note { fill: var(--soft); font-size: 12.5px; font-style: italic; }
svg circle { fill: currentColor; fill-opacity: .55; stroke: var(--card); stroke-width: .8; cursor: pointer; }
svg circle.on { fill-opacity: 1; stroke: var(--ink); stroke-width: 2; r: 7px; }
svg .curve { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; }
svg .curve.thin { stroke-width: 1; opacity: .28; }
svg .curve.original { stroke: var(--soft); stroke-dasharray: 5 4; }
.m0 { color: var(--m0); } .m1 { color: var(--m1); } .m2 { color: var(--m2); } .m3 { color: var(--m3); }
.m4 { color: var(--m4); } .m5 { color: var(--m5); } .m6 { color: var(--m6); } .m7 { color: var(--m7); }
.small-plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(250px, 1fr)); gap: 22px 26px; margin-top: 12px; }
.small-plots figcaption { color: var(--ink); font-weight: 600; margin-bottom: 4px; }
.small-plots figcaption .soft { font-weight: 400; font-size: 13px; }
.strip { display: grid; grid-template-columns: repeat(auto-fill, minmax(132px, 1fr)); gap: 12px; }
#picture .strip { grid-template-columns: repeat(auto-fill, minmax(140px, 1fr)); }
.strip figcaption { font-size: 12.5px; line-height: 1.35; margin-top: 5px; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.strip figcaption b { color: var(--ink); font-weight: 600; }
.strip img { display: block; width: 100%; height: auto; border-radius: 4px; background: var(--tint); }
.strip button { all: unset; display: block; width: 100%; cursor: zoom-in; border-radius: 4px; }
button:focus-visible, select:focus-visible, figure:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.row { border-top: 1px solid var(--line); padding: 16px 0 20px; }
.row h3 { margin: 0 0 10px; overflow-wrap: anywhere; font-weight: 500; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 8px 22px; font-size: 14.5px; margin: 14px 0; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
code, pre { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre { background: var(--tint); padding: 14px 16px; border-radius: 8px; white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; }
details { margin-top: 22px; }
summary { cursor: pointer; color: var(--soft); font-size: 14px; }
dialog { border: 0; padding: 0; background: none; color: #eee; max-width: 96vw; max-height: 96vh; margin: auto; text-align: center; }
dialog::backdrop { background: rgba(8, 9, 10, .9); }
dialog img { display: block; margin: 0 auto; width: min(92vw, 78vh); height: min(92vw, 78vh); object-fit: contain; }
dialog p { margin: 12px auto 0; max-width: none; font-size: 15px; }
dialog figcaption, dialog b { color: #eee; }
dialog small { display: block; color: #a9a9a9; font-size: 13px; }
@media (max-width: 820px) {
  main { padding: 0 16px 56px; }
  header { padding-top: 32px; }
  section { margin-top: 44px; }
  .beside { grid-template-columns: minmax(0, 1fr); }
  .strip, #picture .strip { grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 10px 8px; }
  th, td { padding: 9px 10px; }
  dl { grid-template-columns: minmax(0, 1fr); gap: 2px; }
  dd { margin-bottom: 10px; }
  svg .axis, svg .title { font-size: 15px; }
  .small-plots { grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)); }
}
@media print {
  :root { color-scheme: light; }
  .picker, dialog { display: none; }
  .row, figure { break-inside: avoid; }
}
)css";

const char* const report_script = R"js(
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const all = selector => [...document.querySelectorAll(selector)];
  const element = (tag, text = "") => Object.assign(document.createElement(tag), {textContent: text});
  const uri = file => "data:image/jpeg;base64," + file;

  // Large pictures, one after another in the same place.
  const dialog = document.querySelector("dialog");
  const enlarged = dialog.querySelector("img"), about = dialog.querySelector("p");
  let strip = [], place = 0;
  const turn = to => {
    place = (to + strip.length) % strip.length;
    const figure = strip[place].closest("figure");
    enlarged.src = strip[place].src;
    enlarged.alt = strip[place].alt;
    about.replaceChildren(figure.querySelector("figcaption").cloneNode(true), element("small", "Arrow keys or a click: the same place by the next method. Esc closes."));
  };
  document.addEventListener("click", event => {
    const button = event.target.closest(".strip button");
    if (!button) return;
    strip = [...button.closest(".strip").querySelectorAll("img")];
    turn(strip.indexOf(button.querySelector("img")));
    dialog.showModal();
  });
  dialog.addEventListener("click", event => event.target === enlarged ? turn(place + 1) : dialog.close());
  dialog.addEventListener("keydown", event => {
    if (event.key === "ArrowRight") turn(place + 1);
    if (event.key === "ArrowLeft") turn(place - 1);
  });

  // The scatter plots, and the picture that a point stands for.
  const scatters = all(".scatter"), panel = document.getElementById("picture");
  if (!panel) return;
  const other = document.getElementById("other"), metric = document.getElementById("metric");
  let chosen = -1;
  const shown = () => scatters.find(s => !s.hidden);
  const choose = i => {
    chosen = i;
    all("circle.on").forEach(circle => circle.classList.remove("on"));
    all(`circle[data-i="${i}"]`).forEach(circle => { circle.classList.add("on"); circle.parentNode.append(circle); });
    const picture = data.pictures[i], strip = element("div");
    strip.className = "strip";
    ["Original", "Hole", ...data.methods].forEach((name, k) => {
      const figure = element("figure"), caption = element("figcaption");
      if (picture.files) {
        const image = Object.assign(new Image(), {src: uri(picture.files[k]), alt: name + " of " + picture.name});
        const button = element("button");
        button.append(image);
        figure.append(button);
      }
      caption.append(element("b", name));
      if (k > 1) caption.append(element("br"), picture.notes[k - 2]);
      figure.append(caption);
      strip.append(figure);
    });
    panel.replaceChildren(element("h3", picture.name), strip);
    if (!picture.files) panel.append(element("p", "Of so many pictures only some are embedded; this one is not."));
  };
  const switchPlot = () => {
    scatters.forEach(s => s.hidden = s.dataset.other !== other.value || s.dataset.metric !== metric.value);
  };
  [other, metric].forEach(select => select.addEventListener("change", switchPlot));
  const point = event => {
    const circle = event.target.closest(".scatter circle");
    if (circle && +circle.dataset.i !== chosen) choose(+circle.dataset.i);
  };
  ["pointerover", "click"].forEach(kind => document.addEventListener(kind, point));
  document.addEventListener("keydown", event => {
    const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
    if (!step || !event.target.closest(".scatter")) return;
    const points = [...shown().querySelectorAll("circle")].sort((a, b) => a.cx.baseVal.value - b.cx.baseVal.value);
    const at = points.findIndex(circle => +circle.dataset.i === chosen);
    const next = points[(at + step + points.length) % points.length];
    if (next) choose(+next.dataset.i);
    event.preventDefault();
  });
  switchPlot();
  if (data.first >= 0) choose(data.first);
})();
)js";

}  // namespace lacuna
