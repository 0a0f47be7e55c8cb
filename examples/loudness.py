import numpy as np

from backends.base import Audio, Backend, Prediction


class Loudness(Backend):
    name = "loudness"
    sample_rate = 8_000

    def load(self) -> None:
        self.steps = np.linspace(0, 0.1, len(self.labels) + 1)[1:-1]

    def predict(self, audio: Audio) -> Prediction:
        level = np.sqrt(np.mean(audio**2))
        return Prediction(self.labels[int(np.searchsorted(self.steps, level))])
