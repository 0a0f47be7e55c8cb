// Spectrograms: Hann windows, 60 dB from black to white.
const STOPS = [[0, 0, 4], [59, 15, 112], [140, 41, 129], [222, 73, 104], [254, 159, 109], [252, 253, 191]]; // magma
const COLOURS = Array.from({ length: 256 }, (_, i) => {
  const at = (i / 256) * (STOPS.length - 1), low = Math.floor(at), part = at - low;
  return STOPS[low].map((value, c) => Math.round(value + part * (STOPS[low + 1][c] - value)));
});
const HIGHEST = 8000; // Hz: what is shown, and all that the recognisers use
const QUIET = 10; // power that is shown white at the least: a room's noise stays dark
const RANGE = 6; // powers of ten

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

// Power at evenly spaced frequencies below HIGHEST, of windows of 25 ms.
export class Analyser {
  constructor(rate, rows) {
    this.window = Math.round(0.025 * rate);
    let size = 2;
    while (size < this.window) size <<= 1;
    this.re = new Float64Array(size);
    this.im = new Float64Array(size);
    this.hann = Float64Array.from({ length: this.window }, (_, i) => 0.5 - 0.5 * Math.cos(2 * Math.PI * i / this.window));
    this.rows = rows;
    this.step = Math.min(HIGHEST, rate / 2) / rate * size / rows;
  }

  // samples: Int16Array; out: Float32Array of `rows`, lowest frequency first.
  power(samples, from, out) {
    const { re, im, hann, window, step } = this;
    re.fill(0); im.fill(0);
    for (let i = 0; i < window; i++) re[i] = (samples[from + i] || 0) / 32768 * hann[i];
    fft(re, im);
    for (let row = 0; row < this.rows; row++) {
      const low = Math.floor(row * step), high = Math.max(low + 1, Math.floor((row + 1) * step));
      let most = 0;
      for (let bin = low; bin < high; bin++) most = Math.max(most, re[bin] * re[bin] + im[bin] * im[bin]);
      out[row] = most;
    }
  }
}

function paint(image, column, powers, loudest) {
  const { width, height, data } = image;
  for (let row = 0; row < height; row++) {
    const level = 1 + Math.log10(powers[row] / loudest + 1e-12) / RANGE;
    const rgb = COLOURS[Math.max(0, Math.min(255, Math.floor(256 * level)))];
    const at = 4 * ((height - 1 - row) * width + column);
    data[at] = rgb[0]; data[at + 1] = rgb[1]; data[at + 2] = rgb[2]; data[at + 3] = 255;
  }
}

// A whole utterance, its loudest moment white.
export function draw(canvas, samples, rate, columns = 320, rows = 96) {
  const analyser = new Analyser(rate, rows), powers = [];
  let loudest = 1e-6;
  for (let column = 0; column < columns; column++) {
    const out = new Float32Array(rows);
    analyser.power(samples, Math.round(column * (samples.length - analyser.window) / Math.max(1, columns - 1)), out);
    for (const power of out) if (power > loudest) loudest = power;
    powers.push(out);
  }
  canvas.width = columns;
  canvas.height = rows;
  const context = canvas.getContext("2d"), image = context.createImageData(columns, rows);
  powers.forEach((out, column) => paint(image, column, out, loudest));
  context.putImageData(image, 0, 0);
  canvas.dataset.drawn = "yes";
}

// The last seconds, moving to the left. Marks are set at a sample: where an utterance begins, ends, what was heard.
export class Strip {
  constructor(canvas, seconds = 5, rows = 80) {
    this.canvas = canvas;
    this.seconds = seconds;
    this.rows = rows;
    this.columns = 500;
    this.picture = new OffscreenCanvas(this.columns, rows);
    this.still = false;
    this.clear(48000);
    new ResizeObserver(() => this.show()).observe(canvas);
  }

  clear(rate) {
    this.rate = rate;
    this.hop = Math.round(this.seconds * rate / this.columns);
    this.analyser = new Analyser(rate, this.rows);
    this.tail = new Int16Array(0);
    this.at = 0;
    this.loudest = QUIET;
    this.marks = [];
    const context = this.picture.getContext("2d");
    context.fillStyle = "rgb(0 0 4)";
    context.fillRect(0, 0, this.columns, this.rows);
    this.show();
  }

  add(block) {
    const joined = new Int16Array(this.tail.length + block.length);
    joined.set(this.tail);
    joined.set(block, this.tail.length);
    const context = this.picture.getContext("2d"), out = new Float32Array(this.rows);
    let from = 0;
    for (; from + this.analyser.window <= joined.length; from += this.hop) {
      this.analyser.power(joined, from, out);
      this.loudest = Math.max(QUIET, ...out, 0.998 * this.loudest);
      context.drawImage(this.picture, -1, 0);
      const image = context.createImageData(1, this.rows);
      paint(image, 0, out, this.loudest);
      context.putImageData(image, this.columns - 1, 0);
      this.at += this.hop;
    }
    this.tail = joined.slice(from);
    if (this.still || this.due) return;
    this.due = true;
    requestAnimationFrame(() => {
      this.due = false;
      this.show();
    });
  }

  mark(mark) {
    this.marks.push(mark);
    this.marks = this.marks.slice(-20);
    this.show();
  }

  show() {
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    const width = Math.round(this.canvas.clientWidth * ratio), height = Math.round(this.canvas.clientHeight * ratio);
    if (!width || !height) return;
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    const context = this.canvas.getContext("2d");
    context.drawImage(this.picture, 0, 0, width, height);
    const place = (sample) => width * (1 - (this.at - sample) / (this.seconds * this.rate));
    const places = this.marks.map(({ begin, end, text }) => [place(begin), place(end), text]).filter(([, right]) => right >= 0);
    const edge = 10 * ratio;
    context.font = `${Math.round(11 * ratio)}px system-ui, sans-serif`;
    context.fillStyle = "rgb(255 255 255 / 55%)";
    context.textAlign = "left";
    if (places.every(([left]) => left > 7 * edge)) { // or the marks would cover it
      context.fillText(`${Math.min(HIGHEST, this.rate / 2) / 1000} kHz`, edge, 1.8 * edge);
      context.fillText(`${this.seconds} s ago`, edge, height - edge);
    }
    context.textAlign = "right";
    context.fillText("now", width - edge, height - edge);
    context.font = `600 ${Math.round(20 * ratio)}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.lineWidth = ratio;
    for (const [left, right, text] of places) {
      context.fillStyle = context.strokeStyle = "rgb(255 255 255 / 90%)";
      context.beginPath();
      context.moveTo(left, 46 * ratio);
      context.lineTo(left, 38 * ratio);
      context.lineTo(right, 38 * ratio);
      context.lineTo(right, 46 * ratio);
      context.stroke();
      context.fillText(text, (left + right) / 2, 30 * ratio);
    }
  }
}
