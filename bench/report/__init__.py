"""What is derived from a run's records: tables, and the Markdown that shows them. No audio, no clock."""

from bench.report.build import Report, build, drawn, files, summary_markdown, write

__all__ = ["Report", "build", "drawn", "files", "summary_markdown", "write"]
