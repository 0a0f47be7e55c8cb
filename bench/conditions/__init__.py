"""What is done to test audio before a backend hears it: ``noise:dishes@10dB``, ``telephone``, ``mp3@16k`` ...

A condition is named by its spec (:func:`parse`), carried out on one clip by :func:`apply` and on a list of clips by
:func:`render`. It sees no label; training audio never meets one (:func:`augment` makes noise of its own).
"""

from bench.conditions.apply import apply, generator
from bench.conditions.render import identity, render
from bench.conditions.resources import Resources, Voice
from bench.conditions.spec import CLEAN, DEFAULT_SWEEP, FORMS, Condition, Form, parse
from bench.conditions.training import augment

__all__ = [
    "CLEAN",
    "DEFAULT_SWEEP",
    "FORMS",
    "Condition",
    "Form",
    "Resources",
    "Voice",
    "apply",
    "augment",
    "generator",
    "identity",
    "parse",
    "render",
]
