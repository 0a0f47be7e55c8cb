// What was heard, on the page. Text is always set as text: nothing a recogniser or a device says can be markup.
import { draw } from "/spectrogram.js";

export const $ = (id) => document.getElementById(id);

export function make(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (key in element) element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

// Pictures come after the answers: they must not wait for one.
const later = (work) => (window.requestIdleCallback ?? ((act) => setTimeout(act, 200)))(work, { timeout: 500 });

// Text that may be a digit or a word: words are set smaller.
function fit(element, text) {
  element.textContent = text;
  element.classList.toggle("long", text.length > 3);
}

const TOP = 3;
const STAGES = [["vad", "wait for silence"], ["queue", "queue"], ["features", "features"], ["model", "model"], ["confirm", "wait to be sure"], ["way", "browser and network"]];
const MOST_KEPT = 40;
const ms = (seconds) => `${seconds < 0.00995 ? (1000 * seconds).toFixed(1) : Math.round(1000 * seconds)} ms`;
const percent = (share) => `${share > 0.995 && share < 1 ? 99 : Math.round(100 * share)} %`;

// The answer that counts: what most recognisers say, the first of them where they are at odds.
export function verdict(answers, none) {
  const said = answers.filter((answer) => answer.state === "answered");
  const votes = new Map();
  for (const { label } of said) votes.set(label, (votes.get(label) ?? 0) + 1);
  const [label, count] = [...votes].sort((a, b) => b[1] - a[1])[0] ?? [null, 0];
  const named = label ?? none;
  const others = said.filter((answer) => answer.label !== label).map((answer) => `${answer.backend}: ${answer.label ?? none}`);
  const missing = answers.filter((answer) => answer.state !== "answered").map((answer) => `${answer.backend} ${answer.state}`);
  const heard = !said.length ? "No recogniser answered"
    : others.length ? `${count} of ${said.length} heard ${named}`
    : said.length === 1 ? `${said[0].backend} heard ${named}`
    : `${said.length === 2 ? "Both" : `All ${said.length}`} heard ${named}`;
  return { label, heard: said.length > 0, text: `${[heard, ...others, ...missing].join("; ")}.` };
}

function bars(scores, label) {
  const list = make("ul", { className: "bars", "aria-label": "The likeliest labels" });
  for (const [name, share] of scores.slice(0, TOP)) {
    const bar = make("span", { className: "bar" }, make("span", { className: name === label ? "fill best" : "fill" }));
    bar.firstChild.style.width = `${100 * share}%`;
    list.append(make("li", {}, make("span", {}, name), bar, make("span", { className: "share" }, percent(share))));
  }
  return list;
}

function stages(times) {
  const parts = STAGES.filter(([key]) => times[key] > (key === "confirm" ? 0.0005 : 0)), whole = parts.reduce((sum, [key]) => sum + times[key], 0);
  const text = parts.map(([key, name]) => `${name} ${ms(times[key])}`).join(", ");
  const line = make("div", { className: "stages", role: "img", "aria-label": `Of it: ${text}`, title: text });
  for (const [key] of parts) {
    const part = make("span", { className: `of-${key}` });
    part.style.flexGrow = times[key] / whole;
    line.append(part);
  }
  return make("div", { className: "times" }, line, make("p", {}, text));
}

const WORDS = { dropped: "dropped: something newer was said", failed: "failed", waiting: "recognising …" };

export class View {
  constructor(correct, play) {
    this.correct = correct;
    this.play = play;
    this.backends = [];
    this.labels = [];
    this.utterances = new Map();
    this.shown = null;
    this.right = new Map();
  }

  meet(hello) {
    this.backends = hello.backends.map(({ backend }) => backend);
    this.labels = hello.labels;
    this.what = hello.labels.every((label) => /^\d$/.test(label)) ? "digit" : "word";
    this.none = this.what === "digit" ? "no digit" : "none of these";
    $("title").textContent = document.title = `Say a ${this.what}.`;
    $("labels").replaceChildren(...[...hello.labels, null].map((label) => {
      const text = label ?? this.none;
      const button = make("button", { type: "button", className: text.length > 3 ? "label wide" : "label", "aria-pressed": "false" }, text);
      button.addEventListener("click", () => this.shown && this.label(this.shown, label));
      button.dataset.label = label ?? "";
      return button;
    }));
  }

  // A new utterance, or one that went on after all.
  add(utterance) {
    utterance.answers = new Map(this.backends.map((backend) => [backend, { backend, state: "waiting" }]));
    Object.assign(utterance, { label: null, text: "", heard: false });
    if (!this.utterances.has(utterance.id)) {
      utterance.truth = undefined;
      this.utterances.set(utterance.id, utterance);
      this.list(utterance);
    }
    this.show(utterance);
  }

  // An answer; those that are not final are shown, and spoken of only when they are.
  answer(utterance, answer) {
    utterance.answers.set(answer.backend, answer);
    if (this.shown === utterance) this.card(utterance, answer);
    const all = [...utterance.answers.values()];
    const { label, text, heard } = verdict(all.filter(({ state }) => state !== "waiting"), this.none);
    const over = all.every(({ final }) => final);
    if (over && !utterance.text && utterance.truth !== undefined) this.tally();
    Object.assign(utterance, { label, heard, text: over ? text : "" });
    this.entry(utterance);
    if (this.shown === utterance) this.judge(utterance);
  }

  abandon(error) {
    for (const utterance of this.utterances.values()) {
      for (const answer of utterance.answers.values()) {
        if (answer.state === "waiting") this.answer(utterance, { ...answer, final: true, state: "failed", error });
        else if (!answer.final) this.answer(utterance, { ...answer, final: true });
      }
    }
  }

  forget(utterance) {
    this.utterances.delete(utterance.id);
    utterance.row?.remove();
    if (this.shown === utterance) $("answer").hidden = true;
  }

  show(utterance) {
    this.shown = utterance;
    $("answer").hidden = false;
    $("crew").hidden = true;
    $("lanes").replaceChildren(...this.backends.map((backend) => make("li", { className: "lane", "data-backend": backend })));
    for (const answer of utterance.answers.values()) this.card(utterance, answer);
    const picture = $("picture");
    picture.hidden = !utterance.samples;
    picture.dataset.drawn = "";
    if (utterance.samples) later(() => { if (this.shown === utterance) draw(picture, utterance.samples, utterance.rate); });
    $("facts").textContent = `${utterance.name}, ${utterance.seconds.toFixed(2)} s${utterance.samples ? `, 0–${Math.min(8, utterance.rate / 2000)} kHz` : ""}`;
    this.judge(utterance);
  }

  judge(utterance) {
    const digit = $("digit");
    fit(digit, utterance.heard ? utterance.label ?? "–" : "…");
    digit.dataset.state = utterance.text ? "final" : "waiting";
    $("verdict").textContent = utterance.text;
    if (utterance.text && !utterance.spoken) $("spoken").textContent = utterance.text;
    utterance.spoken = utterance.text !== "";
    for (const button of $("labels").children) button.setAttribute("aria-pressed", String(utterance.truth !== undefined && button.dataset.label === (utterance.truth ?? "")));
    $("kept").textContent = utterance.kept ?? "";
  }

  card(utterance, answer) {
    const place = [...$("lanes").children].find(({ dataset }) => dataset.backend === answer.backend);
    if (!place) return;
    place.dataset.state = answer.state;
    const known = utterance.truth !== undefined && answer.state === "answered";
    const correct = known && answer.label === utterance.truth;
    const mark = known ? make("span", { className: correct ? "right" : "wrong" }, correct ? "right" : "wrong") : "";
    const tally = this.right.get(answer.backend);
    const score = tally ? make("span", { className: "tally" }, `${tally[0]} of ${tally[1]} right`) : "";
    const head = make("div", { className: "head" }, make("h3", {}, answer.backend), score);
    if (answer.state !== "answered") {
      place.replaceChildren(head, make("p", { className: "pending" }, answer.error ? `${answer.state}: ${answer.error}` : WORDS[answer.state] ?? answer.state));
      return;
    }
    const total = Object.values(answer.times).reduce((sum, time) => sum + time, 0);
    const label = make("div", { className: "label-heard" }, make("span", { className: (answer.label ?? "").length > 3 ? "value long" : "value" }, answer.label ?? "–"), make("span", { className: "after" }, answer.label === null ? `${this.none} ` : "", mark));
    place.replaceChildren(head,
      make("div", { className: "body" }, label, bars(answer.scores, answer.label)),
      make("p", { className: "total" }, make("b", {}, ms(total)), answer.times.vad ? " from the end of speech" : " from the file to the answer"),
      stages(answer.times));
  }

  label(utterance, truth) {
    utterance.truth = truth;
    this.tally();
    for (const answer of utterance.answers.values()) if (this.shown === utterance) this.card(utterance, answer);
    this.entry(utterance);
    this.correct(utterance, truth);
    if (this.shown === utterance) this.judge(utterance);
  }

  tally() {
    this.right.clear();
    for (const { truth, answers } of this.utterances.values()) {
      if (truth === undefined) continue;
      for (const { backend, state, label } of answers.values()) {
        if (state !== "answered") continue;
        const [right, all] = this.right.get(backend) ?? [0, 0];
        this.right.set(backend, [right + (label === truth), all + 1]);
      }
    }
  }

  list(utterance) {
    $("history").hidden = false;
    const player = make("button", { type: "button", className: "player", "aria-label": `Play ${utterance.name}` }, make("span", { "aria-hidden": "true" }, "▶\uFE0E"));
    player.addEventListener("click", () => this.play(utterance, player));
    const open = make("button", { type: "button", className: "open" });
    open.addEventListener("click", () => { this.show(utterance); $("answer-name").focus(); });
    const thumb = make("canvas", { className: "thumb", "aria-hidden": "true" });
    if (utterance.samples) later(() => draw(thumb, utterance.samples, utterance.rate, 96, 40));
    else thumb.hidden = true;
    utterance.row = make("li", {}, player, thumb, open);
    $("utterances").prepend(utterance.row);
    this.entry(utterance);
    while (this.utterances.size > MOST_KEPT) {
      const [oldest] = this.utterances.values();
      if (oldest.url) URL.revokeObjectURL(oldest.url);
      this.utterances.delete(oldest.id);
      oldest.row.remove();
    }
  }

  entry(utterance) {
    const open = utterance.row?.querySelector(".open");
    if (!open) return;
    const said = [...utterance.answers.values()].map((answer) => {
      const text = answer.state === "answered" ? answer.label ?? this.none : answer.state;
      const kind = utterance.truth === undefined || answer.state !== "answered" ? "" : answer.label === utterance.truth ? "right" : "wrong";
      return make("span", { className: "said" }, `${answer.backend} `, make("b", { className: kind }, text));
    });
    const truth = utterance.truth === undefined ? "" : make("span", { className: "said" }, `that was ${utterance.truth ?? this.none}`);
    open.replaceChildren(make("span", { className: "mini" }, utterance.heard ? utterance.label ?? "–" : "…"), make("span", { className: "all" }, make("span", { className: "said facts" }, utterance.name), ...said, truth));
  }
}
