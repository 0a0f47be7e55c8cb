"""Hearing it live: source -> segmenter (:mod:`sound.segment`) -> lanes -> session -> a view.

:mod:`bench.live.source` is where sound comes from, :mod:`bench.live.lanes` the backends that answer, each from a worker
of its own, :mod:`bench.live.session` what was said and heard, :mod:`bench.live.events` what a view is told.
"""
