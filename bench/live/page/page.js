// The page: a socket that comes back, a microphone, and what becomes of the two.
import { devices, explain, open } from "/microphone.js";
import { Strip } from "/spectrogram.js";
import { $, View, make } from "/view.js";

const PRE_ROLL = 0.3; // seconds sent from before the button was held
const BEFORE = 0.3, AFTER = 0.1; // seconds around an utterance that are drawn and played
const TAPE = 30; // seconds kept to cut utterances from
const RESTING = 60_000; // ms until a microphone that is not used is closed
const SILENT = 3; // seconds of nothing but zeros until it is said
const CLOSES = { 4001: "The server has as many listeners as it takes. ", 4002: "The server was sent more than it takes. " };

// Colours: the system's until told otherwise.
const root = document.documentElement, system = matchMedia("(prefers-color-scheme: dark)");
const dark = () => (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
const nameTheme = () => {
  $("theme").textContent = dark() ? "Light" : "Dark";
  $("theme").setAttribute("aria-label", `${$("theme").textContent} colours`);
};
try { const kept = localStorage.getItem("digitbench-theme"); if (kept === "dark" || kept === "light") root.dataset.theme = kept; } catch { /* none kept */ }
$("theme").addEventListener("click", () => {
  root.dataset.theme = dark() ? "light" : "dark";
  try { localStorage.setItem("digitbench-theme", root.dataset.theme); } catch { /* not kept */ }
  nameTheme();
});
system.addEventListener("change", nameTheme);
nameTheme();

// What was recorded last, addressed by sample.
class Tape {
  constructor(rate) { Object.assign(this, { rate, blocks: [], begin: 0, end: 0, epoch: Infinity }); }
  add(block, arrived) {
    this.blocks.push(block);
    this.end += block.length;
    this.epoch = Math.min(this.epoch, arrived - 1000 * this.end / this.rate); // when sample 0 was in the air, at the latest
    while (this.end - this.begin > TAPE * this.rate) this.begin += this.blocks.shift().length;
  }
  cut(from, to) {
    const out = new Int16Array(Math.max(0, to - from));
    let at = this.begin;
    for (const block of this.blocks) {
      const start = Math.max(from, at), stop = Math.min(to, at + block.length);
      if (start < stop) out.set(block.subarray(start - at, stop - at), start - from);
      at += block.length;
    }
    return out;
  }
  time(sample) { return this.epoch + 1000 * sample / this.rate; }
}

const strip = new Strip($("strip"));
strip.still = matchMedia("(prefers-reduced-motion: reduce)").matches;
let socket = null, ready = false, tries = 0, hello = null;
let microphone = null, known = null, opening = false, tape = null, resting = 0;
let connection = 0, recording = false, wanted = false, stream = 0, muted = "", zeros = 0, speaking = false;
let upload = null, count = 0;
const tapes = new Map(); // stream -> [tape, sample of the tape at which the stream begins]

const mode = () => document.querySelector("input[name=mode]:checked").value;
const view = new View(correct, play);

function correct(utterance, label) {
  if (utterance.stream && utterance.id.startsWith(`${connection}.`)) say({ type: "label", stream: utterance.stream, utterance: utterance.number, label });
}

function say(message) { if (ready) socket.send(JSON.stringify(message)); }

function problem(text) {
  $("problem").hidden = !text;
  $("problem").textContent = text;
}

function state() {
  const names = { vad: ["Press the button or the space bar, then speak.", "Listening. Say a digit."], push: ["Hold the button or the space bar while you speak.", "Recording. Let go when you are done."] };
  const text = !ready ? (tries > 1 ? "No connection to the server. Trying again …" : "Connecting to the server.")
    : opening ? "Waiting for the microphone: the browser may ask you."
    : muted && recording ? muted
    : speaking && recording && mode() === "vad" ? "Hearing you …"
    : names[mode()][recording ? 1 : 0];
  $("state").textContent = text;
  $("record").disabled = !ready;
  $("record").dataset.recording = recording ? "yes" : "no";
  $("record-name").textContent = mode() === "push" ? "Hold to talk" : recording ? "Stop listening" : "Start listening";
  $("choose").disabled = !ready || upload !== null;
  $("connection").dataset.state = ready ? "good" : "wait";
  $("connection").textContent = ready ? "connected" : tries > 1 ? "not connected" : "connecting";
}

// The socket. The token stands in the page's own address.
function connect() {
  tries += 1;
  connection += 1;
  socket = new WebSocket(`${location.protocol.replace("http", "ws")}//${location.host}/live${location.search}`);
  const mine = socket;
  socket.onmessage = ({ data }) => { if (mine === socket) receive(JSON.parse(data)); };
  socket.onclose = ({ code, reason }) => {
    if (mine !== socket) return;
    if (ready || code in CLOSES) problem(`${CLOSES[code] ?? "The connection to the server is lost. "}${reason}${reason ? ". " : ""}Trying again; what was heard stays on this page.`);
    ready = false;
    upload = null;
    view.abandon("the connection was lost");
    state();
    setTimeout(connect, Math.min(8000, 500 * 2 ** Math.min(tries, 5)) * (0.75 + Math.random() / 2));
  };
  state();
}

const key = ({ stream, utterance }) => (stream ? `${connection}.${stream}.${utterance}` : `${connection}.file.${utterance}`);
const find = (message) => view.utterances.get(key(message));
const ON = {
  hello(message) {
    hello = message;
    ready = true;
    tries = 0;
    problem("");
    view.meet(message);
    facts();
    if (recording) begin();
    state();
  },
  lane({ backend, state: now, reason }) {
    Object.assign(hello.backends.find((one) => one.backend === backend), { state: now, reason });
    facts();
  },
  speech() { speaking = true; state(); },
  dismissed(message) {
    speaking = false;
    const utterance = find(message);
    if (utterance) view.forget(utterance);
    state();
  },
  cut(message) {
    if (message.final) speaking = false;
    let utterance = find(message);
    const again = utterance?.offset === message.offset_s;
    if (!utterance) {
      count += 1;
      utterance = { id: key(message), number: message.utterance, stream: message.stream, name: `Utterance ${count}` };
    }
    if (!again) {
      Object.assign(utterance, { offset: message.offset_s, seconds: message.offset_s - message.onset_s, shown: new Map() });
      if (message.stream) cutOut(utterance, message);
      else Object.assign(utterance, upload, { began: upload?.sent ?? performance.now() });
      view.add(utterance);
    }
    if (!message.stream) upload = null;
    state();
  },
  answer(message) {
    const utterance = find(message);
    if (!utterance) return;
    const { shown, began } = utterance, { backend, state: now } = message;
    const first = now === "answered" && !shown.has(backend);
    if (first) shown.set(backend, { ...message.latency_s, total: 0 }); // what it took until it was seen first
    view.answer(utterance, { ...message, times: shown.get(backend) ?? {} });
    if (utterance.mark) {
      utterance.mark.text = utterance.label ?? "–";
      strip.show();
    }
    if (!first) return;
    requestAnimationFrame(() => setTimeout(() => { // after the frame that shows it
      const times = shown.get(backend), known = Object.values(times).reduce((sum, time) => sum + time, 0);
      times.way = Math.max(0, (performance.now() - began) / 1000 - known);
      if (utterance.shown === shown) view.answer(utterance, utterance.answers.get(backend));
    }));
  },
  saved(message) { note(message, `Saved as ${message.file}.`); },
  corrected(message) { if (hello.saving) note(message, "Saved, and what it was."); },
  problem({ text }) { upload = null; problem(text); state(); },
};
function note(message, text) {
  const utterance = find(message);
  if (!utterance) return;
  utterance.kept = text;
  if (view.shown === utterance) view.judge(utterance);
}
function cutOut(utterance, message) {
  const [from, start] = tapes.get(message.stream) ?? [tape, 0];
  const place = (seconds) => start + Math.round(seconds * from.rate);
  utterance.rate = from.rate;
  utterance.samples = from.cut(Math.max(start, place(message.onset_s - BEFORE)), Math.min(from.end, place(message.offset_s + AFTER)));
  utterance.began = from.time(place(message.offset_s));
  const mark = { begin: place(message.onset_s), end: place(message.offset_s), text: "" };
  if (utterance.mark) Object.assign(utterance.mark, mark);
  else strip.mark(utterance.mark = mark);
}
function receive(message) { ON[message.type]?.(message); }

// Recording.
function heard(block, arrived) {
  tape.add(block, arrived);
  let peak = 0;
  for (const sample of block) if (Math.abs(sample) > peak) peak = Math.abs(sample);
  const level = Math.max(0, 1 + Math.log10(peak / 32768 + 1e-6) / 3);
  $("level").style.transform = `scaleX(${level.toFixed(3)})`;
  $("record").style.setProperty("--level", recording ? level.toFixed(3) : "0");
  zeros = peak ? 0 : zeros + block.length;
  const silent = zeros > SILENT * tape.rate ? "Nothing but silence arrives: is the microphone muted?" : "";
  if (silent !== muted && (silent || muted.startsWith("Nothing"))) { muted = silent; state(); }
  strip.add(block);
  if (recording && ready) {
    if (socket.bufferedAmount > 2_000_000) problem("The connection is too slow for live sound: parts of it are lost.");
    else socket.send(block);
  }
}

function begin() {
  stream += 1;
  const pre = mode() === "push" ? Math.min(tape.end - tape.begin, Math.round(PRE_ROLL * tape.rate)) : 0;
  tapes.set(stream, [tape, tape.end - pre]);
  tapes.delete(stream - 3);
  say({ type: "start", stream, rate: tape.rate, mode: mode() });
  if (pre) socket.send(tape.cut(tape.end - pre, tape.end));
  if (mode() === "push") say({ type: "press" });
}

async function start() {
  wanted = true;
  clearTimeout(resting);
  if (recording || opening || !ready) return;
  if (!microphone) {
    opening = true;
    state();
    try {
      const opened = await open($("device").value, heard, (text, open_) => {
        muted = text;
        if (!open_) { problem(text); stop(); rest(); }
        state();
      });
      tape = new Tape(opened.rate);
      strip.clear(opened.rate);
      microphone = known = opened;
      problem("");
    } catch (error) {
      wanted = false;
      problem(explain(error));
    }
    opening = false;
    facts();
    list();
  }
  if (wanted && microphone && ready) {
    recording = true;
    zeros = 0;
    begin();
  } else if (microphone) stop();
  state();
}

function stop() {
  wanted = false;
  if (recording) {
    recording = speaking = false;
    say({ type: "stop" });
  }
  clearTimeout(resting);
  if (microphone) resting = setTimeout(rest, mode() === "push" ? RESTING : 0);
  $("record").style.setProperty("--level", "0");
  state();
}

function rest() {
  microphone?.close();
  microphone = null;
  $("level").style.transform = "scaleX(0)";
  facts();
}

const toggle = () => (wanted ? stop() : start());
let pointed = false;
$("record").addEventListener("pointerdown", (event) => {
  if (mode() !== "push" || event.button) return;
  pointed = true;
  $("record").setPointerCapture(event.pointerId);
  start();
});
for (const kind of ["pointerup", "pointercancel"]) $("record").addEventListener(kind, () => { if (mode() === "push" && wanted) stop(); });
$("record").addEventListener("click", () => {
  if (!pointed) toggle(); // by keyboard or a screen reader, where nothing can be held
  pointed = false;
});
$("record").addEventListener("contextmenu", (event) => event.preventDefault());
const mine = ({ target }) => target === $("record") || !target.closest("button, input:not([type=radio]), select, summary, a");
document.addEventListener("keydown", (event) => {
  if (event.code !== "Space" || !mine(event) || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  if (event.repeat) return;
  if (mode() === "push") start();
  else toggle();
});
document.addEventListener("keyup", (event) => {
  if (event.code !== "Space" || !mine(event)) return;
  event.preventDefault();
  if (mode() === "push" && wanted) stop();
});
window.addEventListener("blur", () => { if (mode() === "push" && wanted) stop(); });
$("mode").addEventListener("change", () => { stop(); state(); });

// Files.
const MOST_BYTES = () => hello?.bytes ?? 0;
async function send(file) {
  if (!ready || upload) return;
  if (file.size > MOST_BYTES()) {
    problem(`${file.name} is too large: ${(file.size / 1e6).toFixed(1)} MB, and ${MOST_BYTES() / 1e6} MB are taken.`);
    return;
  }
  problem("");
  upload = { name: file.name, url: URL.createObjectURL(file) };
  state();
  const bytes = await file.arrayBuffer();
  try {
    const decoded = await new OfflineAudioContext(1, 1, 48000).decodeAudioData(bytes.slice(0));
    const channels = Array.from({ length: decoded.numberOfChannels }, (_, i) => decoded.getChannelData(i));
    upload.samples = Int16Array.from(channels[0], (_, i) => 32767 * Math.max(-1, Math.min(1, channels.reduce((sum, channel) => sum + channel[i], 0) / channels.length)));
    upload.rate = decoded.sampleRate;
  } catch { /* the server may know the format all the same */ }
  if (!ready || !upload) return;
  upload.sent = performance.now();
  say({ type: "upload" });
  socket.send(bytes);
}
$("choose").addEventListener("click", () => $("file").click());
$("file").addEventListener("change", () => {
  const [file] = $("file").files;
  if (file) send(file);
  $("file").value = "";
});
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  const [file] = event.dataTransfer.files;
  if (file) send(file);
});

// Players.
const player = new Audio();
let playing = null;
function wav(samples, rate) {
  const head = new DataView(new ArrayBuffer(44)), bytes = 2 * samples.length;
  const text = (at, letters) => [...letters].forEach((letter, i) => head.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF"); head.setUint32(4, 36 + bytes, true); text(8, "WAVEfmt "); head.setUint32(16, 16, true);
  head.setUint16(20, 1, true); head.setUint16(22, 1, true); head.setUint32(24, rate, true); head.setUint32(28, 2 * rate, true);
  head.setUint16(32, 2, true); head.setUint16(34, 16, true); text(36, "data"); head.setUint32(40, bytes, true);
  return new Blob([head, samples], { type: "audio/wav" });
}
function settle() {
  if (playing) playing.firstChild.textContent = "▶\uFE0E";
  playing = null;
}
async function play(utterance, button) {
  const again = playing === button;
  player.pause();
  settle();
  if (again) return;
  utterance.url ??= URL.createObjectURL(wav(utterance.samples, utterance.rate));
  player.src = utterance.url;
  playing = button;
  button.firstChild.textContent = "◼\uFE0E";
  try { await player.play(); } catch (error) {
    if (error.name !== "AbortError") { settle(); problem(`${utterance.name} cannot be played: ${error.message}`); }
  }
}
player.addEventListener("ended", settle);

// Settings.
function facts() {
  const lines = [];
  if (known) lines.push([microphone ? "In use" : "Last used", known.label], ["Rate", `${known.rate.toLocaleString("en")} Hz`], ...Object.entries(known.settings));
  if (hello) {
    lines.push(["Cut by", hello.detector], ["Kept", hello.saving ? "utterances are saved on the server" : "nothing: no sound is saved"]);
    for (const { backend, state: now, reason } of hello.backends) lines.push([backend, reason ? `${now}: ${reason}` : now]);
  }
  $("crew").replaceChildren(...(hello?.backends ?? []).map(({ backend, state: now, reason }) => make("li", { "data-state": now, title: reason }, now === "ready" ? backend : `${backend} (${now})`)));
  $("settings").replaceChildren(...lines.flatMap(([term, text]) => [make("dt", {}, term), make("dd", {}, text)]));
}
async function list() {
  const found = await devices(), chosen = microphone?.deviceId ?? $("device").value;
  $("device").disabled = !found.length;
  if (!found.length) return;
  $("device").replaceChildren(make("option", { value: "" }, "the browser’s choice"), ...found.map(({ deviceId, label }) => make("option", { value: deviceId }, label)));
  $("device").value = found.some(({ deviceId }) => deviceId === chosen) ? chosen : "";
}
$("device").addEventListener("change", async () => {
  const again = recording;
  stop();
  rest();
  if (again) start();
});
navigator.mediaDevices?.addEventListener?.("devicechange", list);

if (!window.isSecureContext) problem(explain({ name: "InsecureError" }));
list();
connect();
