// A microphone, its samples as they are: whatever the browser would do to a voice is off, and what it does is told.
const WISHES = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 };
const NAMES = { echoCancellation: "echo cancellation", noiseSuppression: "noise suppression", autoGainControl: "gain control" };

// What went wrong, in words that say what to do.
export function explain(error) {
  switch (error.name) {
    case "InsecureError":
      return "The browser gives no microphone to this address. It does so on this machine itself (http://127.0.0.1 or localhost) and over https:// from elsewhere: put TLS in front, as docs/live.md shows. Files can be opened all the same.";
    case "NotAllowedError":
    case "SecurityError":
      return "The microphone is not allowed. Allow it in the browser: the sign beside the address, then Microphone; on a phone also in the settings of the system. Then press the button again.";
    case "NotFoundError":
      return "No microphone was found. Plug one in, or open a file.";
    case "OverconstrainedError":
      return "The microphone that was chosen is gone. Choose another one below.";
    case "NotReadableError":
    case "AbortError":
      return "The microphone cannot be opened: another program may be using it, or the system has switched it off.";
    default:
      return `The microphone cannot be used (${error.name}: ${error.message}).`;
  }
}

export async function devices() {
  const all = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  return all.filter((device) => device.kind === "audioinput" && device.label).map(({ deviceId, label }) => ({ deviceId, label }));
}

// heard(block, arrived) gets Int16Array blocks; ended(reason) is called when the device goes or is muted, with words.
export async function open(deviceId, heard, ended) {
  if (!window.isSecureContext || !navigator.mediaDevices?.getUserMedia) throw Object.assign(new Error(), { name: "InsecureError" });
  const audio = deviceId ? { ...WISHES, deviceId: { exact: deviceId } } : WISHES;
  const stream = await navigator.mediaDevices.getUserMedia({ audio });
  const [track] = stream.getAudioTracks();
  const got = track.getSettings();
  let context;
  try {
    context = new AudioContext(got.sampleRate ? { sampleRate: got.sampleRate } : {});
    await context.audioWorklet.addModule("/capture.js");
  } catch (error) {
    track.stop();
    await context?.close();
    throw error;
  }
  const source = context.createMediaStreamSource(stream);
  const capture = new AudioWorkletNode(context, "capture", { numberOfOutputs: 1, channelCount: 1, channelCountMode: "explicit" });
  capture.port.onmessage = ({ data }) => heard(data, performance.now());
  source.connect(capture);
  capture.connect(context.destination); // some browsers run a node only if it leads somewhere; it plays silence
  await context.resume();
  track.onended = () => ended("The microphone is gone: it was unplugged, or the system took it away.");
  track.onmute = () => ended("The microphone is muted by the system: only silence arrives.", true);
  track.onunmute = () => ended("", true);
  const done = Object.entries(NAMES).map(([key, name]) => [name, key in got ? (got[key] ? "on: this browser insists" : "off") : "unknown to this browser"]);
  return {
    rate: context.sampleRate,
    label: track.label || "the browser’s choice",
    deviceId: got.deviceId,
    settings: Object.fromEntries(done),
    close() {
      track.onended = track.onmute = track.onunmute = null;
      capture.port.onmessage = null;
      track.stop();
      return context.close();
    },
  };
}
