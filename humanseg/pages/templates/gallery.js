"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const grid = $("grid"), box = $("box"), stage = $("stage");
  const cards = [...grid.children];
  const ranges = [...document.querySelectorAll(".range")];
  const views = [...box.querySelectorAll(".views button")];
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
    grid.append(...[...cards].sort((a, b) => sign * (value(a) - value(b)) || place.get(a) - place.get(b)));
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
  $("fade").addEventListener("input", () => grid.style.setProperty("--fade", $("fade").value));
  $("tools").addEventListener("submit", (event) => event.preventDefault());
  // Without script the page is a plain grid of links, and these would do nothing.
  if (cards.length) $("tools").hidden = $("ranges").hidden = false;
  if ($("clear")) $("clear").addEventListener("click", () => {
    $("find").value = "";
    for (const input of document.querySelectorAll(".ends input")) {
      input.value = input.className === "low" ? input.min : input.max;
    }
    ranges.forEach(drawRange);
    filter();
    $("find").focus();
  });

  /* The full-size view. */

  // view 0: photo and second picture, mixed; from 2 on: that picture alone.
  let current = null, view = 0, mix = 0;

  function draw() {
    const images = [...stage.querySelectorAll("img")];
    images.forEach((image, index) => { image.hidden = view === 0 ? index > 1 : index !== view; });
    images[1].style.opacity = mix;
    stage.firstChild.classList.toggle("checkerboard", view > 0);
    $("box-fade").value = mix;
    const pressed = view || Math.round(mix);
    views.forEach((button, index) => button.setAttribute("aria-pressed", index === pressed));
  }

  function look(index) {
    view = index < 2 ? 0 : index;
    if (index < 2) mix = index;
    draw();
  }

  function open(card) {
    const pictures = [...card.querySelectorAll("img:not(.over)")];
    const sheet = document.createElement("div");
    sheet.className = "sheet";
    sheet.style.setProperty("--w", pictures[0].getAttribute("width"));
    sheet.style.setProperty("--h", pictures[0].getAttribute("height"));
    for (const picture of pictures) {
      const image = new Image();
      image.src = picture.src;
      image.alt = `${picture.alt} of ${card.dataset.id}`;
      sheet.append(image);
    }
    stage.replaceChildren(sheet);
    current = card;
    const list = shown();
    $("box-id").textContent = $("box-id").title = card.dataset.id;
    $("box-place").textContent = `${list.indexOf(card) + 1} of ${list.length}`;
    $("box-caption").textContent = card.dataset.caption;
    $("previous").disabled = card === list[0];
    $("next").disabled = card === list[list.length - 1];
    draw();
    const opened = box.open;
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
  views.forEach((button, index) => button.addEventListener("click", () => look(index)));
  $("box-fade").addEventListener("input", () => { view = 0; mix = +$("box-fade").value; draw(); });
  // A slider that keeps the focus after a drag would keep the arrow keys too.
  $("box-fade").addEventListener("pointerup", () => stage.focus());
  box.addEventListener("close", () => {
    const strip = current.querySelector(".strip");
    strip.scrollIntoView({ block: "nearest" });
    strip.focus({ preventScroll: true });
  });
  box.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: -1, ArrowRight: 1 };
    if (event.key in steps && event.target !== $("box-fade")) step(steps[event.key]);
    else if (views[event.key - 1]) look(event.key - 1);
    else return;
    if (event.target !== $("box-fade")) event.preventDefault();
  });
  let touched = null;
  stage.addEventListener("pointerdown", (event) => { touched = event.pointerType === "touch" ? event.clientX : null; });
  stage.addEventListener("pointerup", (event) => {
    if (touched !== null && Math.abs(event.clientX - touched) > 50) step(event.clientX < touched ? 1 : -1);
    touched = null;
  });

  /* Arrow keys in the grid. */

  grid.addEventListener("keydown", (event) => {
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
  if (cards.length) { sort(); filter(); grid.style.setProperty("--fade", $("fade").value); ranges.forEach(drawRange); }
})();
