"use strict";
(() => {
  const PAGE = 24;
  const LONG = 24; // characters of an answer, from which on it has lines of its own
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);

  // An element with text: never markup, so that nothing a recogniser wrote can be run.
  function make(tag, props = {}, ...children) {
    const element = document.createElement(tag);
    for (const [key, value] of Object.entries(props)) {
      if (key in element) element[key] = value;
      else element.setAttribute(key, value);
    }
    element.append(...children);
    return element;
  }

  // Colours: the system's until told otherwise, remembered where the browser lets a file remember.
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
  const nameTheme = () => { $("theme").textContent = isDark() ? "Light colours" : "Dark colours"; };
  try { const kept = localStorage.getItem("digitbench-theme"); if (kept === "dark" || kept === "light") root.dataset.theme = kept; } catch { /* none kept */ }
  $("theme").addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("digitbench-theme", root.dataset.theme); } catch { /* not kept */ }
    nameTheme();
  });
  system.addEventListener("change", nameTheme);
  nameTheme();

  // Tables that sort: a button in each header, missing values last whichever way.
  for (const table of document.querySelectorAll("table[data-sortable]")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const numeric = head.classList.contains("number");
      const button = make("button", { type: "button" });
      button.append(...head.childNodes);
      head.append(button);
      head.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const lowFirst = head.getAttribute("aria-sort") !== "ascending";
        for (const other of heads) other.setAttribute("aria-sort", "none");
        head.setAttribute("aria-sort", lowFirst ? "ascending" : "descending");
        const rows = [...table.tBodies[0].rows].map((row) => [row, row.cells[column].dataset.value]);
        rows.sort(([, a], [, b]) => {
          if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
          const order = numeric ? a - b : a.localeCompare(b);
          return lowFirst ? order : -order;
        });
        table.tBodies[0].append(...rows.map(([row]) => row));
      });
    });
  }

  // Tables that filter: rows in which every word typed is found, in the cells that hold no number.
  for (const input of document.querySelectorAll("[data-filters]")) {
    const table = $(input.dataset.filters), told = input.form.querySelector("output");
    const texts = [...table.tHead.rows[0].cells].flatMap((head, i) => (head.classList.contains("number") ? [] : [i]));
    const what = table.id === "summary-table" ? "backends" : "rows";
    const rows = [...table.tBodies[0].rows].map((row) => [row, texts.map((i) => row.cells[i].textContent).join(" ").toLowerCase()]);
    const narrow = () => {
      const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const [row, text] of rows) {
        row.hidden = !wanted.every((word) => text.includes(word));
        shown += !row.hidden;
      }
      told.textContent = `${shown} of ${rows.length} ${what}`;
    };
    input.addEventListener("input", narrow);
    input.form.addEventListener("submit", (event) => event.preventDefault());
    narrow();
  }

  // Spectrograms: Hann windows of 25 ms every 2.5 ms, 60 dB below the loudest.
  function fft(re, im) {
    const n = re.length;
    for (let i = 1, j = 0; i < n; i++) {
      let bit = n >> 1;
      for (; j & bit; bit >>= 1) j ^= bit;
      j ^= bit;
      if (i < j) { [re[i], re[j]] = [re[j], re[i]]; [im[i], im[j]] = [im[j], im[i]]; }
    }
    for (let size = 2; size <= n; size <<= 1) {
      const half = size / 2;
      for (let k = 0; k < half; k++) {
        const wr = Math.cos(Math.PI * k / half), wi = -Math.sin(Math.PI * k / half);
        for (let a = k; a < n; a += size) {
          const b = a + half, r = re[b] * wr - im[b] * wi, i = re[b] * wi + im[b] * wr;
          re[b] = re[a] - r; im[b] = im[a] - i; re[a] += r; im[a] += i;
        }
      }
    }
  }
  const STOPS = [[0, 0, 4], [59, 15, 112], [140, 41, 129], [222, 73, 104], [254, 159, 109], [252, 253, 191]]; // magma
  function colour(x) {
    const at = Math.min(Math.max(x, 0), 0.9999) * (STOPS.length - 1), i = Math.floor(at), f = at - i;
    return STOPS[i].map((low, c) => low + f * (STOPS[i + 1][c] - low));
  }
  function spectrogram(canvas, samples, rate) {
    const window = Math.round(0.025 * rate), hop = Math.max(1, Math.round(0.0025 * rate));
    let size = 2;
    while (size < 2 * window) size <<= 1;
    const columns = Math.max(1, Math.ceil(samples.length / hop)), bins = size / 2;
    const power = new Float32Array(columns * bins);
    let loudest = 1e-9;
    for (let c = 0; c < columns; c++) {
      const re = new Float64Array(size), im = new Float64Array(size);
      for (let i = 0; i < window; i++) re[i] = (samples[c * hop - (window >> 1) + i] || 0) * (0.5 - 0.5 * Math.cos(2 * Math.PI * i / window));
      fft(re, im);
      for (let b = 0; b < bins; b++) {
        const p = re[b] * re[b] + im[b] * im[b];
        power[c * bins + b] = p;
        if (p > loudest) loudest = p;
      }
    }
    canvas.width = columns;
    canvas.height = bins;
    const context = canvas.getContext("2d"), image = context.createImageData(columns, bins);
    for (let c = 0; c < columns; c++) for (let b = 0; b < bins; b++) {
      const level = 1 + Math.log10(power[c * bins + b] / loudest + 1e-12) / 6;
      const at = 4 * ((bins - 1 - b) * columns + c), rgb = colour(level);
      image.data[at] = rgb[0]; image.data[at + 1] = rgb[1]; image.data[at + 2] = rgb[2]; image.data[at + 3] = 255;
    }
    context.putImageData(image, 0, 0);
    canvas.dataset.drawn = "yes";
  }
  async function sound(card) {
    const { item, canvas, player } = card;
    const text = data.sounds[item[3]], rate = data.clips[item[0]][4];
    player.src = `data:audio/mpeg;base64,${text}`;
    const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
    try {
      const context = new OfflineAudioContext(1, 1, Math.min(Math.max(rate, 8000), 48000));
      const heard = await context.decodeAudioData(bytes.buffer);
      spectrogram(canvas, heard.getChannelData(0), heard.sampleRate);
    } catch {
      canvas.replaceWith(make("p", {}, "This browser cannot decode the sound."));
    }
  }
  const cards = new WeakMap();
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      seen.unobserve(entry.target);
      sound(cards.get(entry.target));
    }
  }, { rootMargin: "300px" });

  // The gallery: a page of cards at a time.
  const marked = (text) => text.split(/(\[[^\][]* → [^\][]*\])/).filter(Boolean)
    .map((part) => (part.startsWith("[") ? make("strong", { className: "wrong" }, part) : part));
  const named = (answer) => (answer < 0 ? data.none : data.answers[answer]);
  function card(item) {
    const [clip, condition, heard, at, exact] = item;
    const [id, reference, speaker, seconds, rate] = data.clips[clip];
    const who = speaker < 0 ? "" : ` by ${data.speakers[speaker]}`;
    const element = make("li", { className: "clip" }, make("h3", {}, `${data.answers[reference]}${who}`));
    const note = exact ? "" : " (the sound is the clean recording)";
    const facts = `${id}, ${seconds.toFixed(2)} s, ${data.conditions[condition]}${note}`;
    element.append(make("p", {}, at < 0 ? facts : `${facts}; 0-${rate / 2000} kHz`));
    if (at >= 0) {
      const canvas = make("canvas", { role: "img", "aria-label": `Spectrogram of ${id}` });
      const player = make("audio", { controls: true, preload: "metadata", "aria-label": `Sound of ${id}` });
      element.append(canvas, player);
      cards.set(element, { item, canvas, player });
      seen.observe(element);
    }
    const list = make("ul", { "aria-label": "What each backend heard" });
    heard.forEach((one, backend) => {
      if (!one) return;
      const right = one[2] === 0, verdict = right ? "right" : "wrong";
      const words = named(one[0]).length > LONG;
      const line = make("li", { className: words ? "words" : "" }, make("span", { className: verdict, "aria-hidden": "true" }, right ? "✓" : "✗"),
        make("span", {}, data.backends[backend]),
        make("span", { className: words ? "" : verdict }, ...(words ? marked(named(one[0])) : [named(one[0])]), make("span", { className: "unseen" }, `, ${verdict}`)));
      if (one[1] >= 0) line.append(make("q", {}, data.texts[one[1]] || "(empty)"));
      list.append(line);
    });
    element.append(list);
    return element;
  }
  const filters = ["backend", "speaker", "label", "condition"];
  const lists = { backend: data.backends, speaker: data.speakers, label: data.answers, condition: data.conditions };
  for (const name of filters) {
    lists[name].forEach((text, i) => $(`filter-${name}`).append(make("option", { value: String(i) }, text)));
  }
  let found = [], shown = 0;
  function more() {
    const next = found.slice(shown, shown + PAGE);
    const added = next.map(card);
    $("clips").append(...added);
    shown += next.length;
    $("more").hidden = shown >= found.length;
    $("more").textContent = `Show ${Math.min(PAGE, found.length - shown)} more`;
    $("gallery-count").textContent = `${found.length.toLocaleString("en")} of ${data.items.length.toLocaleString("en")} clips with errors, ${shown.toLocaleString("en")} shown`;
    return added;
  }
  function filter() {
    const [backend, speaker, label, condition] = filters.map((name) => Number($(`filter-${name}`).value));
    found = data.items.filter(([clip, under, heard]) => {
      const [, said, voice] = data.clips[clip];
      return (speaker < 0 || voice === speaker) && (label < 0 || said === label) && (condition < 0 || under === condition)
        && (backend < 0 || (heard[backend] && heard[backend][2] > 0));
    });
    shown = 0;
    seen.disconnect();
    $("clips").replaceChildren();
    more();
  }
  $("filters").addEventListener("change", filter);
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("filters").addEventListener("reset", () => setTimeout(filter));
  $("more").addEventListener("click", () => {
    const [first] = more();
    if (first) { first.tabIndex = -1; first.focus(); }
  });
  for (const link of document.querySelectorAll("[data-errors-of]")) {
    link.addEventListener("click", () => {
      $("filters").reset();
      $("filter-backend").value = String(data.backends.indexOf(link.dataset.errorsOf));
      setTimeout(() => { filter(); $("gallery-name").focus(); });
    });
  }
  filter();
})();
