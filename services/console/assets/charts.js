// Draws each chart from the table below it. Colours and dashes are the page's, the language is that of console.js.
"use strict";

const dashes = [[], [8, 4], [2, 4], [10, 3, 2, 3], [14, 4], [1, 6]];
// The borders that stand for them in legends.
const styles = ["solid", "dashed", "dotted", "double", "dashed", "dotted"];
// Steps of an axis of what is counted.
const WHOLE = Array.from({ length: 12 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();
const numbers = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 });

function timeOf(time) {
  return time && (time.dateTime || time.textContent);
}

// A dash stands where there is nothing to count.
function numberOf(text) {
  const number = Number.parseFloat(text);
  return Number.isNaN(number) ? null : number;
}

function read(table) {
  const heads = [...table.tHead.rows[0].cells];
  const rows = [...table.tBodies[0].rows];
  const drawn = heads.map((head, at) => at).filter((at) => at > 0 && !("plain" in heads[at].dataset));
  const times = rows.map((row) => timeOf(row.cells[0].querySelector("time")));
  return {
    names: drawn.map((at) => heads[at].textContent),
    labels: rows.map((row) => row.cells[0].textContent),
    times: times.every((time) => time) ? times.map((time) => Date.parse(time) / 1000) : null,
    isByHour: times.some((time) => time?.includes("T")),
    series: drawn.map((at) =>
      rows.map((row) => numberOf(row.cells[at]?.textContent)),
    ),
  };
}

// A canvas knows no variables: an element says what they are in the theme that counts.
const probe = document.createElement("span");
probe.hidden = true;
document.body.append(probe);

function colour(name) {
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}

function options(figure, data, width) {
  const isBars = figure.dataset.chart === "bars";
  const shown = data.isByHour
    ? { day: "numeric", month: "short", hour: "2-digit", timeZone: "UTC" }
    : { day: "numeric", month: "short", timeZone: "UTC" };
  const dates = new Intl.DateTimeFormat(locale, shown);
  const name = (x) => (data.times ? dates.format(new Date(x * 1000)) : (data.labels[x] ?? ""));
  const axis = { stroke: colour("--ink"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") } };
  const many = data.series.length > 1;
  const series = data.names.map((label, at) => ({
    label,
    stroke: colour(`--series-${(at % 6) + 1}`),
    width: 2,
    dash: isBars ? [] : dashes[at % dashes.length],
    fill: isBars ? colour(`--series-${(at % 6) + 1}`) : undefined,
    paths: isBars ? uPlot.paths.bars({ size: [many ? 0.35 : 0.6, 48], align: many ? (at % 2 ? 1 : -1) : 0 }) : undefined,
    points: isBars ? { show: false } : { show: data.labels.length < 60, size: 5 + (at % 3) * 2, fill: colour("--paper") },
    value: (plot, value) => (value === null || value === undefined ? "–" : numbers.format(value)),
  }));
  const last = Math.max(data.labels.length - 1, 0);
  const isRotated = !data.times && data.labels.length > 4;
  const isCounted = data.series.flat().every((value) => value === null || Number.isInteger(value));
  return {
    width,
    height: 240,
    padding: [null, isRotated ? 64 : null, null, null],
    tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "Etc/UTC"),
    scales: {
      x: data.times ? { time: true, range: (plot, low, high) => (low === high ? [low - 43200, high + 43200] : [low, high]) } : { time: false, range: [-0.6, last + 0.6] },
      y: { range: (plot, low, high) => [0, Math.max(high ?? 0, 1) * 1.1] },
    },
    axes: [
      {
        ...axis,
        splits: data.times ? undefined : () => data.labels.map((_, at) => at),
        values: (plot, splits) => splits.map((x) => { const text = name(x); return text.length > 18 && !data.times ? `${text.slice(0, 17)}…` : text; }),
        space: data.isByHour ? 120 : data.times ? 70 : 20,
        rotate: isRotated ? -35 : 0,
        size: isRotated ? 90 : 40,
      },
      { ...axis, values: (plot, splits) => splits.map((value) => numbers.format(value)), size: 60, ...(isCounted && { incrs: WHOLE }) },
    ],
    series: [{ label: figure.querySelector("th").textContent, value: (plot, x) => (x === null || x === undefined ? "–" : name(x)) }, ...series],
    legend: { markers: { width: 3, dash: (plot, at) => (isBars ? "solid" : styles[(at - 1) % styles.length]) } },
  };
}

function draw(figure) {
  const place = figure.querySelector(".plot");
  const details = figure.querySelector("details");
  const data = read(figure.querySelector("table"));
  if (!data.labels.length || !data.series.length) return;
  const xs = data.times ?? data.labels.map((_, at) => at);
  let plot;
  const anew = () => {
    plot?.destroy();
    plot = new uPlot(options(figure, data, place.clientWidth), [xs, ...data.series], place);
    // The table says the same to who does not see.
    plot.root.querySelector(".u-wrap").setAttribute("aria-hidden", "true");
    plot.root.querySelector(".u-legend")?.setAttribute("aria-hidden", "true");
  };
  details.open = false;
  anew();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", anew);
  new ResizeObserver(() => {
    const width = place.clientWidth;
    if (width && width !== plot.width) plot.setSize({ width, height: 240 });
  }).observe(place);
}

function drawAll(root) {
  root.querySelectorAll("figure[data-chart]").forEach(draw);
}

drawAll(document);
document.addEventListener("stoa:charts", (event) => drawAll(event.target));
