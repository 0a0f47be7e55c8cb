"""Transcripts from elsewhere: any endpoint of the form of OpenAI's ``POST URL/audio/transcriptions``.

The variant is the model's name there. The key is read from an environment variable and goes into one header, never into
settings, records or messages. A prediction takes what the network and the server take: ``network_s`` is the wait for
the answer, ``server_s`` the part that the server says it worked (``openai-processing-ms``), where it does.
"""

from __future__ import annotations

import io
import json
import os
import time
from typing import Any, ClassVar
from urllib.parse import urlsplit

import numpy as np

from backends.base import Audio, Backend, BackendError, Prediction, Vocabulary

PATH = "/audio/transcriptions"
BUSY = (429, 500, 502, 503, 504)
"""Answers after which asking again may help."""
SHOWN = 200
"""Characters of an answer that a message shows."""
CONNECT_S = 10.0


class Http(Backend):
    """An endpoint that transcribes. It needs the network during a run, and says so."""

    name: ClassVar[str] = "http"
    variants: ClassVar[tuple[str, ...]] = ("whisper-1",)
    imports: ClassVar[tuple[str, ...]] = ("soundfile", "urllib3")
    online: ClassVar[bool] = True

    def __init__(
        self,
        vocabulary: Vocabulary,
        variant: str = "",
        *,
        url: str = "",
        key_variable: str = "OPENAI_API_KEY",
        language: str = "en",
        price_a_minute: float = 0.0,
        timeout_s: float = 60.0,
        retries: int = 3,
    ) -> None:
        """``url``: up to ``/v1``, as http://127.0.0.1:8000/v1. ``key_variable``: the environment variable that holds
        the key; an endpoint that wants none gets ``""``. ``price_a_minute``: of audio, in whatever currency.
        ``timeout_s``: how long an answer may be waited for. ``retries``: after a busy answer or a broken connection.

        Raises BackendError for a missing model or URL, a URL with a name and password in it, or an impossible option.
        """
        super().__init__(vocabulary, variant)
        if not variant:
            raise BackendError(f"{self.name} needs the name of a model, for example http:whisper-1")
        self._url = checked_url(self.name, url)
        for name, value, least in (("timeout_s", timeout_s, 0.001), ("price_a_minute", price_a_minute, 0)):
            if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < 1e9:
                raise BackendError(f"{self.name}: {name} must be a number from {least}, not {value!r}")
        if isinstance(retries, bool) or not isinstance(retries, int) or not 0 <= retries <= 20:
            raise BackendError(f"{self.name}: retries must be a whole number from 0 to 20, not {retries!r}")
        self._key_variable, self._language = key_variable, language
        self._price, self._timeout_s, self._retries = price_a_minute, timeout_s, retries
        self._key = ""
        self._pool: Any = None

    def prepare(self) -> None:
        """Raises BackendError where the key is missing; asks nobody."""
        self._find_key()

    def load(self) -> None:
        import urllib3

        self._find_key()
        retry = urllib3.Retry(
            total=self._retries,
            connect=self._retries,
            read=0,  # an answer that does not come in time will not come the next time either
            redirect=0,
            status_forcelist=BUSY,
            allowed_methods=None,
            backoff_factor=0.5,
            raise_on_status=False,
            respect_retry_after_header=True,
        )
        limits = urllib3.Timeout(connect=min(CONNECT_S, self._timeout_s), read=self._timeout_s)
        self._pool = urllib3.PoolManager(retries=retry, timeout=limits, maxsize=1)

    def predict(self, audio: Audio) -> Prediction:
        fields = {
            "file": ("clip.wav", wav(audio, self.sample_rate), "audio/wav"),
            "model": self.variant,
            "language": self._language,
            "response_format": "json",
            "temperature": "0",
        }
        began = time.perf_counter()
        response = self._ask(fields)
        network_s = time.perf_counter() - began
        facts = {"network_s": network_s, "price": self._price * len(audio) / self.sample_rate / 60}
        facts["retries"] = float(len(response.retries.history)) if response.retries else 0.0
        if (server_s := _seconds(response.headers.get("openai-processing-ms"))) is not None:
            facts["server_s"] = server_s
        return Prediction(text=self._text(response), facts=facts)

    def settings(self) -> dict[str, str | int | float | bool]:
        return {
            "url": self._url,
            "language": self._language,
            "price_a_minute": self._price,
            "timeout_s": self._timeout_s,
            "retries": self._retries,
        }

    def _find_key(self) -> None:
        self._key = os.environ.get(self._key_variable, "").strip() if self._key_variable else ""
        if self._key_variable and not self._key:
            raise BackendError(
                f"{self.name}: no key in the environment variable {self._key_variable}; set it, name another with"
                ' key_variable, or say key_variable = "" for an endpoint that wants none'
            )

    def _ask(self, fields: dict[str, Any]) -> Any:
        import urllib3

        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        try:
            return self._pool.request("POST", self._url + PATH, fields=fields, headers=headers)
        except urllib3.exceptions.MaxRetryError as error:
            raise BackendError(self._hidden(f"{self._url}: {_reason(error.reason, self._timeout_s)}")) from None
        except urllib3.exceptions.HTTPError as error:
            raise BackendError(self._hidden(f"{self._url}: {_reason(error, self._timeout_s)}")) from None

    def _text(self, response: Any) -> str:
        """What was heard. Raises BackendError for any other answer than a transcript."""
        body = response.data.decode("utf-8", errors="replace")
        if response.status != 200:
            said = " ".join(body.split())[:SHOWN]
            raise BackendError(self._hidden(f"{self._url}: {MEANING.get(response.status, 'refused')}"
                                            f" (status {response.status}): {said or 'nothing was said'}"))  # fmt: skip
        try:
            text = json.loads(body)["text"]
        except (ValueError, TypeError, KeyError):
            text = None
        if not isinstance(text, str):
            raise BackendError(
                self._hidden(f'{self._url}: the answer is no transcript, {{"text": ...}} is wanted: {body[:SHOWN]!r}')
            )
        return text.strip()

    def _hidden(self, message: str) -> str:
        """The message without the key, which a server may repeat."""
        return message.replace(self._key, "***") if self._key else message


MEANING = {
    401: "the key is not accepted",
    403: "the key may not do that",
    404: "no such model or path; is the URL the one that ends in /v1?",
    413: "the clip is too long for it",
    429: "too many requests or no credit left, after all retries; the same command goes on from here later",
}
"""What a status says, in words."""


def checked_url(backend: str, url: str) -> str:
    """The URL without a slash at its end. Raises BackendError where it is none, or holds a password."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise BackendError(f"{backend}: option url must be such as https://api.openai.com/v1, not {url!r}")
    if parts.username or parts.password:
        raise BackendError(
            f"{backend}: option url holds a name or password, which records would show; use key_variable"
        )
    return url.rstrip("/")


def wav(audio: Audio, rate: int) -> bytes:
    """Samples as a file of 16-bit PCM."""
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, np.clip(audio, -1, 1), rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


def _reason(error: object, timeout_s: float) -> str:
    import urllib3

    if isinstance(error, urllib3.exceptions.ConnectTimeoutError):
        return "no connection in time"
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return f"no answer within {timeout_s:g} s"
    return f"no connection ({' '.join(str(error).split())[:SHOWN]})"


def _seconds(milliseconds: str | None) -> float | None:
    try:
        return float(milliseconds) / 1e3 if milliseconds else None
    except ValueError:
        return None
