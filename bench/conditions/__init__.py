"""What is done to test audio before a backend hears it: ``noise:dishes@10dB``, ``telephone``, ``mp3@16k`` ...

A condition is named by its spec (:func:`parse`), carried out on one clip by :func:`apply` and on those of a run by
:class:`Treatments`. It sees no label; training audio never meets one: its copies (:func:`noisy_copy`,
:func:`framed_copy`) are of their own making.
"""

from bench.conditions.apply import apply, generator
from bench.conditions.identity import copies_identity, identity
from bench.conditions.render import render
from bench.conditions.resources import Resources, Voice
from bench.conditions.spec import CLEAN, DEFAULT_SWEEP, FORMS, Condition, Form, expand, parse
from bench.conditions.training import framed_copy, noisy_copy
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
    "copies_identity",
    "expand",
    "framed_copy",
    "generator",
    "identity",
    "noisy_copy",
    "parse",
    "render",
]
