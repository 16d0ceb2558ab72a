"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const grid = $("grid"), box = $("box"), stage = $("stage");
  const cards = [...grid.children];
  const ranges = [...document.querySelectorAll(".range")];
  const views = [...box.querySelectorAll("#box-views button")];
  const gridViews = [...document.querySelectorAll("#grid-views button")];
  // The photo, and the picture that it fades into.
  const [PHOTO, OVER] = views.map((button) => button.dataset.view);
  const MASKS = ["prediction", "truth"];
  const shown = () => [...grid.children].filter((card) => !card.hidden);
  const place = new Map(cards.map((card, index) => [card, index]));
  const formats = {
    percent: (value) => `${Math.round(100 * value)} %`,
    score: (value) => value.toFixed(3),
  };

  /* Filter and sort. */

  function limits(range) {
    const low = range.querySelector(".low"), high = range.querySelector(".high");
    // A thumb at its end sets no limit: its step may round the extreme value out.
    return [
      low.value === low.min ? -Infinity : +low.value,
      high.value === high.max ? Infinity : +high.value,
    ];
  }

  function filter() {
    const text = $("find").value.trim().toLowerCase();
    const bounds = ranges.map((range) => [range.dataset.key, ...limits(range)]);
    let count = 0;
    for (const card of cards) {
      const fits = card.dataset.id.toLowerCase().includes(text)
        && bounds.every(([key, low, high]) => +card.dataset[key] >= low && +card.dataset[key] <= high);
      card.hidden = !fits;
      count += fits;
    }
    $("count").textContent = count === cards.length
      ? `${count} photo${count === 1 ? "" : "s"}` : `${count} of ${cards.length} photos`;
    $("empty").hidden = count > 0;
  }

  function sort() {
    const [key, direction] = $("sort").value.split(":");
    const sign = direction === "down" ? -1 : 1;
    const value = key === "place" ? (card) => place.get(card) : (card) => +card.dataset[key];
    // What is not defined comes last, whichever way is up.
    const none = (card) => Number.isNaN(value(card));
    grid.append(...[...cards].sort((a, b) =>
      none(a) - none(b) || sign * (value(a) - value(b)) || place.get(a) - place.get(b)));
  }

  function drawRange(range) {
    const low = range.querySelector(".low"), high = range.querySelector(".high");
    const format = formats[range.dataset.format];
    low.setAttribute("aria-valuetext", format(+low.value));
    high.setAttribute("aria-valuetext", format(+high.value));
    range.querySelector(".span").textContent = `${format(+low.value).replace(" %", "")}–${format(+high.value)}`;
    const bars = range.querySelectorAll(".bars i");
    const width = (high.max - high.min) / bars.length;
    bars.forEach((bar, index) => {
      const centre = +high.min + (index + .5) * width;
      bar.classList.toggle("out", centre < +low.value || centre > +high.value);
    });
  }

  for (const range of ranges) {
    const low = range.querySelector(".low"), high = range.querySelector(".high");
    low.addEventListener("input", () => { if (+low.value > +high.value) low.value = high.value; });
    high.addEventListener("input", () => { if (+high.value < +low.value) high.value = low.value; });
    // Where both thumbs meet at the right end, the lower one must stay reachable.
    range.addEventListener("input", () => {
      low.style.zIndex = +low.value >= +high.max ? 1 : "";
      drawRange(range);
      filter();
    });
    drawRange(range);
  }
  $("find").addEventListener("input", filter);
  $("sort").addEventListener("change", sort);
  const fade = $("fade");
  if (fade) fade.addEventListener("input", () => grid.style.setProperty("--fade", fade.value));
  for (const button of gridViews) {
    button.addEventListener("click", () => {
      grid.dataset.view = button.dataset.view;
      for (const one of gridViews) one.setAttribute("aria-pressed", one === button);
    });
  }
  $("tools").addEventListener("submit", (event) => event.preventDefault());
  // Without script the page is a plain grid of links, and these would do nothing.
  if (cards.length) $("tools").hidden = $("ranges").hidden = false;
  function showAll() {
    $("find").value = "";
    for (const input of document.querySelectorAll(".ends input")) {
      input.value = input.className === "low" ? input.min : input.max;
    }
    ranges.forEach(drawRange);
    filter();
  }
  if ($("clear")) $("clear").addEventListener("click", () => {
    showAll();
    $("find").focus();
  });

  /* The full-size view. */

  // The photo and the picture over it are mixed; all others stand alone, masks on the photo.
  let current = null, view = PHOTO, mix = 0;

  function draw() {
    const mixed = view === PHOTO || view === OVER;
    for (const image of stage.querySelectorAll("img")) {
      const kind = image.dataset.kind;
      image.hidden = mixed ? kind !== PHOTO && kind !== OVER
        : kind !== view && !(kind === PHOTO && MASKS.includes(view));
      if (kind === OVER) image.style.opacity = mix;
    }
    stage.firstChild.classList.toggle("checkerboard", view === "cutout");
    $("box-fade").value = mix;
    const pressed = mixed ? (Math.round(mix) ? OVER : PHOTO) : view;
    views.forEach((button) => button.setAttribute("aria-pressed", button.dataset.view === pressed));
  }

  function look(kind) {
    view = kind;
    if (kind === PHOTO || kind === OVER) mix = kind === OVER ? 1 : 0;
    draw();
  }

  /** Zoom in so that a point of the picture stays where it is; without one, its middle. */
  function zoom(on, event) {
    const sheet = stage.firstChild, before = sheet.getBoundingClientRect();
    const x = event ? (event.clientX - before.left) / before.width : .5;
    const y = event ? (event.clientY - before.top) / before.height : .5;
    stage.classList.toggle("zoomed", on);
    $("zoom").setAttribute("aria-pressed", on);
    stage.scrollLeft = x * sheet.offsetWidth - stage.clientWidth * (event ? (event.clientX - stage.getBoundingClientRect().left) / stage.clientWidth : .5);
    stage.scrollTop = y * sheet.offsetHeight - stage.clientHeight * (event ? (event.clientY - stage.getBoundingClientRect().top) / stage.clientHeight : .5);
  }

  const zoomed = () => stage.classList.contains("zoomed");

  function open(card) {
    const pictures = [...card.querySelectorAll("img.layer")];
    const sheet = document.createElement("div");
    sheet.className = "sheet";
    sheet.style.setProperty("--w", pictures[0].getAttribute("width"));
    sheet.style.setProperty("--h", pictures[0].getAttribute("height"));
    pictures.forEach((picture, index) => {
      const image = new Image();
      image.src = picture.src;
      image.alt = `${picture.alt} of ${card.dataset.id}`;
      image.dataset.kind = views[index].dataset.view;
      image.className = `layer ${image.dataset.kind}`;
      sheet.append(image);
    });
    stage.replaceChildren(sheet);
    zoom(false);
    current = card;
    const list = shown();
    $("box-id").textContent = $("box-id").title = card.dataset.id;
    $("box-place").textContent = `${list.indexOf(card) + 1} of ${list.length}`;
    $("box-caption").textContent = card.dataset.caption;
    $("previous").disabled = card === list[0];
    $("next").disabled = card === list[list.length - 1];
    const opened = box.open;
    // It opens as the grid shows it.
    if (!opened && grid.dataset.view) look(grid.dataset.view);
    else draw();
    if (!opened) box.showModal();
    // Not on a button: one that is disabled at the end of the list would swallow the arrow keys.
    if ($("previous").disabled || $("next").disabled || !opened) stage.focus();
  }

  function step(by) {
    const list = shown();
    const card = list[list.indexOf(current) + by];
    if (card) open(card);
  }

  grid.addEventListener("click", (event) => {
    const strip = event.target.closest(".strip");
    if (!strip || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(strip.parentElement);
  });
  $("close").addEventListener("click", () => box.close());
  $("previous").addEventListener("click", () => step(-1));
  $("next").addEventListener("click", () => step(1));
  views.forEach((button) => button.addEventListener("click", () => look(button.dataset.view)));
  $("box-fade").addEventListener("input", () => { view = PHOTO; mix = +$("box-fade").value; draw(); });
  $("zoom").addEventListener("click", () => { zoom(!zoomed()); stage.focus(); });
  stage.addEventListener("click", (event) => {
    if (event.target.closest(".sheet")) zoom(!zoomed(), event);
  });
  // Escape leaves the zoom first.
  box.addEventListener("cancel", (event) => {
    if (!zoomed()) return;
    event.preventDefault();
    zoom(false);
  });
  // A slider that keeps the focus after a drag would keep the arrow keys too.
  $("box-fade").addEventListener("pointerup", () => stage.focus());
  box.addEventListener("close", () => {
    const strip = current.querySelector(".strip");
    strip.scrollIntoView({ block: "nearest" });
    strip.focus({ preventScroll: true });
  });
  // With these a key is the browser's: it goes back, or to another tab.
  const isOthers = (event) => event.ctrlKey || event.metaKey || event.altKey;
  box.addEventListener("keydown", (event) => {
    if (isOthers(event)) return;
    const steps = { ArrowLeft: -1, ArrowRight: 1 };
    // Of a picture that is zoomed the arrow keys show other parts.
    if (event.key in steps && event.target !== $("box-fade") && !zoomed()) step(steps[event.key]);
    else if (views[event.key - 1]) look(views[event.key - 1].dataset.view);
    else if (event.key.toLowerCase() === "z") zoom(!zoomed());
    else return;
    if (event.target !== $("box-fade")) event.preventDefault();
  });
  let touched = null;
  stage.addEventListener("pointerdown", (event) => { touched = event.pointerType === "touch" ? event.clientX : null; });
  stage.addEventListener("pointerup", (event) => {
    if (touched !== null && !zoomed() && Math.abs(event.clientX - touched) > 50) step(event.clientX < touched ? 1 : -1);
    touched = null;
  });

  /* Arrow keys in the grid. */

  grid.addEventListener("keydown", (event) => {
    if (isOthers(event)) return;
    const list = shown();
    const index = list.indexOf(event.target.closest(".item"));
    const columns = list.filter((card) => card.offsetTop === list[0].offsetTop).length;
    const target = {
      ArrowLeft: index - 1, ArrowRight: index + 1, ArrowUp: index - columns,
      ArrowDown: index + columns, Home: 0, End: list.length - 1,
    }[event.key];
    if (index < 0 || target === undefined || !list[target]) return;
    event.preventDefault();
    list[target].querySelector(".strip").focus();
  });

  // A reload may bring back what the fields held.
  if (cards.length) { sort(); filter(); ranges.forEach(drawRange); }
  if (fade) grid.style.setProperty("--fade", fade.value);

  /** Open the photo that the address names, as a link from another page does. */
  function openNamed() {
    const [, name] = /^#photo=(.*)$/.exec(location.hash) || [];
    if (name === undefined) return;
    const named = cards.find((card) => card.dataset.id === decodeURIComponent(name));
    if (!named) return;
    if (named.hidden) showAll();
    open(named);
  }
  addEventListener("hashchange", openNamed);
  openNamed();
})();
