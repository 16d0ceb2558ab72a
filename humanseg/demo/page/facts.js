/* The list of what is known of a picture, and of the model that cut it out. */

/**
 * @param {HTMLDListElement} list
 * @param {Record<string, string>} facts
 */
function tell(list, facts) {
  list.replaceChildren(...Object.entries(facts).flatMap(([label, value]) => {
    const pair = document.createElement("div");
    pair.append(Object.assign(document.createElement("dt"), { textContent: label }),
      Object.assign(document.createElement("dd"), { textContent: value }));
    return pair;
  }));
}

function runsOn({ backend, threads }) {
  if (!threads) return backend;
  const count = threads === 1 ? "1 thread" : `${threads} threads`;
  return `${backend}, ${count}${self.crossOriginIsolated ? "" : " (the host's headers allow no more)"}`;
}

/** Show the facts of a model alone. */
export function tellModel(list, model) {
  tell(list, { Model: model.name, "Runs on": runsOn(model) });
}

/** Show the facts of a result, whose photo has this width and height in its file. */
export function tellAbout(list, model, result, [width, height], more = {}) {
  const reduced = width !== result.width || height !== result.height;
  tell(list, {
    Picture: `${result.width} × ${result.height}`,
    ...(reduced ? { Reduced: `from ${width} × ${height}, more than this browser can draw; humanseg predict keeps the size` } : {}),
    Time: `${Math.round(result.took)} ms`,
    ...more,
    Model: model.name,
    "Runs on": runsOn(result),
  });
}
