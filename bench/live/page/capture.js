// In the audio thread: blocks of 128 floats become 16-bit samples, some 20 ms at a time.
class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.block = new Int16Array(Math.max(128, Math.round(sampleRate / 50 / 128) * 128));
    this.filled = 0;
  }

  process([input]) {
    const channels = input.length, length = channels ? input[0].length : 0;
    for (let i = 0; i < length; i++) {
      let sum = 0;
      for (const channel of input) sum += channel[i];
      this.block[this.filled++] = Math.max(-32768, Math.min(32767, Math.round(32768 * sum / channels)));
      if (this.filled === this.block.length) {
        this.port.postMessage(this.block.slice());
        this.filled = 0;
      }
    }
    return true;
  }
}
registerProcessor("capture", Capture);
