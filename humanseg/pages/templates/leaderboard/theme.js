/* How plots look, and the colours of the rows. Plotly draws them; it is loaded when the first comes near. */

// None is that of the page's controls, of A and B, or of errors. Neighbours differ in lightness too.
const PALETTE = {
  light: ["#1787a0", "#9a5b2e", "#6f8a1c", "#5b6470", "#b08d12", "#2f5d73", "#c07a6a", "#3d4a1f"],
  dark: ["#6fd3ea", "#e0a878", "#bcd96a", "#b7bec6", "#e6cc62", "#8fb8cf", "#f0b6a8", "#dfe8c0"],
};
// Paper is white: the plots are drawn for it when the page is printed, and again afterwards.
const darkScheme = matchMedia("screen and (prefers-color-scheme: dark)");
const coarsePointer = matchMedia("(pointer: coarse)");
let plotsWanted = false;

// Plotly reads tags and entities in its texts.
const plain = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

function theme() {
  const style = getComputedStyle(document.documentElement);
  const names = ["ink", "quiet", "line", "card", "a", "b"];
  const colours = names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]);
  return {
    ...Object.fromEntries(colours),
    palette: PALETTE[darkScheme.matches ? "dark" : "light"],
    font: style.getPropertyValue("--sans").trim(),
  };
}

function layout({ xaxis = {}, yaxis = {}, ...others }) {
  const { ink, quiet, line, card, font } = theme();
  const axis = ({ title, ...more }) => ({
    gridcolor: line, linecolor: line, zerolinecolor: line, tickcolor: "transparent", ticklen: 4, automargin: true,
    tickfont: { color: quiet, size: 12 },
    title: { text: title, font: { color: quiet, size: 13 }, standoff: 10 },
    ...more,
  });
  return {
    paper_bgcolor: "transparent", plot_bgcolor: "transparent", showlegend: false, hovermode: "closest",
    font: { family: font, color: ink, size: 13 }, height: 340, margin: { l: 8, r: 12, t: 10, b: 8 },
    hoverlabel: { bgcolor: card, bordercolor: line, font: { color: ink, size: 13 }, align: "left" },
    // A finger that drags over a plot wants to scroll the page.
    dragmode: coarsePointer.matches ? false : "zoom",
    xaxis: axis(xaxis), yaxis: axis(yaxis), ...others,
  };
}

/** Draw a plot, or hide its figure where there is nothing to draw. */
function draw(id, traces, description, more) {
  const plot = $(id);
  plot.closest("figure").hidden = traces.length === 0;
  if (!traces.length) return;
  plot.setAttribute("aria-label", description);
  Plotly.react(plot, traces, layout(more), { displayModeBar: false, responsive: true });
  if (plot.dataset.picks) return;
  plot.dataset.picks = "yes";
  plot.on("plotly_click", ({ points: [point] }) => { if (rowById(point.customdata)) pick(point.customdata); });
}

/* Colours by a setting. */

const colourSetting = () => state.group.telling.find((setting) => String(setting.place) === $("colour").value);

function colourGroups(rows) {
  const { palette, ink } = theme(), setting = colourSetting();
  if (!setting) return [{ label: "", colour: ink, rows }];
  return setting.levels.map((label, level) => ({
    label: `${setting.title} ${label}`,
    colour: palette[level % palette.length],
    rows: rows.filter((row) => row.values[setting.place] === level),
  })).filter((one) => one.rows.length);
}

function drawColours() {
  const usable = state.group.telling.filter((setting) => setting.levels.length <= PALETTE.light.length);
  const option = (value, textContent) => element("option", { value, textContent });
  $("colour").replaceChildren(
    ...usable.map((setting) => option(setting.place, `Colour by ${setting.title}`)), option("none", "One colour"),
  );
  $("colour-label").hidden = !usable.length;
}

function drawLegend(rows) {
  $("colours").hidden = !colourSetting();
  $("colours").replaceChildren(...colourGroups(rows).map(({ label, colour }) => {
    const swatch = element("span", { className: "round" });
    swatch.style.background = colour;
    return element("li", {}, swatch, element("bdi", { textContent: label }));
  }));
}
