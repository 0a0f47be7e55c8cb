"""What is done to test audio before a backend hears it: ``noise:dishes@10dB``, ``telephone``, ``mp3@16k`` ...

A condition is named by its spec (:func:`parse`), carried out on one clip by :func:`apply` and on those of a run by
:class:`Treatments`. It sees no label; training audio never meets one (:func:`noisy_copy` makes noise of its own).
"""

from bench.conditions.apply import apply, generator
from bench.conditions.identity import identity, noise_identity
from bench.conditions.render import render
from bench.conditions.resources import Resources, Voice
from bench.conditions.spec import CLEAN, DEFAULT_SWEEP, FORMS, Condition, Form, expand, parse
from bench.conditions.training import noisy_copy
from bench.conditions.treatments import Treatments

__all__ = [
    "CLEAN",
    "DEFAULT_SWEEP",
    "FORMS",
    "Condition",
    "Form",
    "Resources",
    "Treatments",
    "Voice",
    "apply",
    "expand",
    "generator",
    "identity",
    "noise_identity",
    "noisy_copy",
    "parse",
    "render",
]
