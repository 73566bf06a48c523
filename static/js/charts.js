// Draws the figures of a page with plotly, which is fetched only where there is one.
"use strict";

(() => {
  const style = () => getComputedStyle(document.documentElement);

  // "--brand" anywhere in a figure is the page's own colour of that name, light or dark.
  function coloured(value, tokens) {
    if (typeof value === "string" && value.startsWith("--")) return tokens.getPropertyValue(value).trim();
    if (Array.isArray(value)) return value.map((item) => coloured(item, tokens));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, coloured(item, tokens)]));
    }
    return value;
  }

  function draw(chart) {
    const tokens = style();
    const figure = coloured(JSON.parse(document.getElementById(chart.dataset.chart).textContent), tokens);
    const ink = tokens.getPropertyValue("--ink-2").trim();
    const line = tokens.getPropertyValue("--line").trim();
    const axis = { gridcolor: line, linecolor: line, zerolinecolor: line, automargin: true };
    const layout = {
      height: Number(chart.dataset.height),
      margin: { l: 8, r: 8, t: 8, b: 8 },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, color: ink, size: 12 },
      colorway: ["--brand", "--supply", "--demand", "--bad", "--calm"].map((name) => tokens.getPropertyValue(name).trim()),
      legend: { orientation: "h", y: 1.12, x: 0 },
      hoverlabel: { font: { family: getComputedStyle(document.body).fontFamily } },
      ...figure.layout,
    };
    // Every axis that is named, and the first ones always, has the page's lines.
    const axes = new Set(["xaxis", "yaxis", ...Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key))]);
    for (const key of axes) layout[key] = { ...axis, ...layout[key] };
    const options = { displayModeBar: false, responsive: true, locale: document.documentElement.lang };
    window.Plotly.react(chart.querySelector(".chart-drawing"), figure.data, layout, options);
  }

  let loading = null;
  function load(address) {
    loading ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = address;
      script.onload = resolve;
      script.onerror = reject;
      document.head.append(script);
    });
    return loading;
  }

  async function drawAll() {
    const charts = [...document.querySelectorAll("[data-chart]")];
    if (!charts.length) return;
    await load(charts[0].dataset.plotly);
    charts.forEach(draw);
  }

  document.addEventListener("DOMContentLoaded", drawAll);
  document.addEventListener("htmx:afterSwap", drawAll);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
})();
