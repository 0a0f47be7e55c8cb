"""The command ``digitbench``, also ``python -m bench``: arguments in, exit code out."""

from __future__ import annotations

import io
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from backends.base import BackendError
from bench.config import SETTINGS, Config, assignments, read_config
from bench.errors import BenchError
from bench.printable import printable
from bench.settings import user_path as expanded
from bench.signals import stoppable
from bench.terminal import Console, write
from bench.workers.caches import caches
from bench.workers.parent import ROOT

if TYPE_CHECKING:
    from bench.corpora import Corpus

OK, FAILED, UNUSABLE, INTERRUPTED = 0, 1, 2, 130
"""Exit codes: all well; done, but a backend failed or a file was rejected; bad input; stopped by Ctrl-C (by SIGTERM
143, by SIGHUP 129)."""

KEPT = "what was done is kept"
RESULTS = Path("results")
"""Where runs go that are not told where."""


class _Commands(TyperGroup):
    """Commands whose complaints show arguments that are no text for a terminal, and whose list cuts no sentence."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command given. Complaints of its arguments are made printable."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            if isinstance(message := getattr(error, "message", None), str):
                error.message = printable(message)  # type: ignore[attr-defined]
            raise

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List every command with all that its help says of it."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.help or "") for name, command in commands if command])


app = typer.Typer(
    cls=_Commands,
    help="Should a tiny classical model or Whisper hear your digits? Numbers one can trust.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)


def flag(name: str, metavar: str | None = None) -> Any:
    """The flag of a setting."""
    return typer.Option(help=SETTINGS[name].about, metavar=metavar)


def user_path(text: str | Path) -> Path:
    """The path that an argument names, ``~`` expanded."""
    try:
        return expanded(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def path_option(help: str, *names: str) -> Any:
    """A flag that takes a path."""
    return typer.Option(*names, help=help, parser=user_path, metavar="PATH")


def path_argument(help: str) -> Any:
    """An argument that is a path."""
    return typer.Argument(help=help, parser=user_path)


CorpusName = Annotated[str | None, flag("corpus")]
Data = Annotated[Path | None, path_option(SETTINGS["data"].about)]
NamePattern = Annotated[str | None, flag("pattern")]
Strict = Annotated[bool | None, flag("strict")]
ConfigFile = Annotated[
    Path | None, path_option("A file of settings, in place of bench.toml where there is one.", "--config")
]
Assignments = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY = VALUE",
        help="Any setting as TOML, tables too: \"vocabulary.yes = ['yes']\"; again for more.",
    ),
]
RunFolder = Annotated[Path, path_argument("A run: a folder under results/.")]


def main() -> None:
    """Run the command line; errors meant for the user become one line and an exit code."""
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # gives freed memory back; set before Arrow loads
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal may lack letters that names have
    try:
        os.environ.update(caches(os.environ))
        with stoppable():
            app()
    except (BenchError, BackendError) as error:
        sys.exit(_complain(str(error)))
    except OSError as error:
        sys.exit(_complain(f"{error.filename or 'the system'}: {error.strerror or error}"))


@app.command()
def run(
    corpus: CorpusName = None,
    train: Annotated[str | None, flag("train")] = None,
    test: Annotated[str | None, flag("test")] = None,
    data: Data = None,
    pattern: NamePattern = None,
    strict: Strict = None,
    backends: Annotated[str | None, flag("backends", "A,B")] = None,
    splits: Annotated[str | None, flag("splits", "A,B")] = None,
    conditions: Annotated[str | None, flag("conditions", "A,B")] = None,
    out: Annotated[Path | None, path_option("Folder of the run.  [default: results/CORPUS]")] = None,
    limit: Annotated[int | None, flag("limit")] = None,
    seed: Annotated[int | None, flag("seed")] = None,
    jobs: Annotated[int | None, flag("jobs")] = None,
    threads: Annotated[str | None, flag("threads", "1,4")] = None,
    latency_clips: Annotated[int | None, flag("latency_clips")] = None,
    processes: Annotated[int | None, flag("processes")] = None,
    latency_round: Annotated[int | None, flag("latency_round")] = None,
    warmup: Annotated[int | None, flag("warmup")] = None,
    throughput_s: Annotated[float | None, flag("throughput_s")] = None,
    checks: Annotated[bool | None, flag("checks")] = None,
    step_limit_s: Annotated[float | None, flag("step_limit_s")] = None,
    memory_limit_mb: Annotated[int | None, flag("memory_limit_mb")] = None,
    longest_clip_s: Annotated[float | None, flag("longest_clip_s")] = None,
    clip_rates_hz: Annotated[str | None, flag("clip_rates_hz", "LOW,HIGH")] = None,
    most_channels: Annotated[int | None, flag("most_channels")] = None,
    set_: Assignments = None,
    config: ConfigFile = None,
) -> None:
    """Measure backends on a corpus; resumes what was begun. Writes records, tables and report.md."""
    from bench.corpora import open_for
    from bench.preflight import check
    from bench.progress import counted, reporter
    from bench.publish import derive
    from bench.records.journal import holds_work
    from bench.runner import run as carry_out

    chosen = read_config(
        _config_file(config),
        assignments(set_ or []),
        corpus=corpus, train=train, test=test, data=data, pattern=pattern, strict=strict,
        backends=_list(backends), splits=_list(splits),
        conditions=_list(conditions), limit=limit, seed=seed, jobs=jobs, threads=_numbers("--threads", threads),
        latency_clips=latency_clips, processes=processes, latency_round=latency_round, warmup=warmup,
        throughput_s=throughput_s, checks=checks, step_limit_s=step_limit_s, memory_limit_mb=memory_limit_mb,
        longest_clip_s=longest_clip_s, clip_rates_hz=_numbers("--clip-rates-hz", clip_rates_hz),
        most_channels=most_channels,
    )  # fmt: skip
    console = Console(stderr=True, emoji=False)
    say = reporter(console)
    folder = out
    try:
        check(chosen, out or RESULTS)
        with counted(say, "reading clips") as progress:
            clips = open_for(chosen, fallback=corpus is None and data is None, progress=progress)
        folder = out or _folder(clips, chosen)
        say.say(f"{clips.name}: {len(clips.clips):,} clips from {clips.source} ({clips.root}); writing to {folder}")
        for line in clips.remarks:
            say.say(line)
        done = carry_out(chosen, clips, folder, _command(), say, derive)
    except KeyboardInterrupt:
        kept = folder and holds_work(folder)
        say.say(f"stopped; {f'{KEPT}: the same command goes on from here' if kept else 'nothing was done yet'}")
        raise typer.Exit(INTERRUPTED) from None
    except OSError as error:
        kept = folder and holds_work(folder)
        where = error.filename or folder or "the system"
        raise BenchError(f"{where}: {error.strerror or error}{f'; {KEPT}' if kept else ''}") from error
    say.say(f"report: {folder / 'report.md'}")
    if done.failures or clips.rejected:
        say.say(f"{len(done.failures)} failures and {len(clips.rejected)} rejected files: see the report")
        raise typer.Exit(FAILED)


@app.command()
def report(
    run: RunFolder,
    html: Annotated[
        bool, typer.Option("--html", help="Also plots/ and report.html, with every error to hear.")
    ] = False,
) -> None:
    """Make report.md and tables/*.csv anew from a run's records."""
    from bench.publish import write_page, write_report

    _echo(write_report(run))
    if html:
        page, silent = write_page(run)
        if silent:
            _echo(f"note: without sound: {silent}", err=True)
        _echo(page)


@app.command("list")
def list_() -> None:
    """Backends, corpora, splits and conditions, and what each backend needs installed."""
    from bench import inventory

    terminal = Console(emoji=False, markup=False)
    terminal.print(inventory.backends(), inventory.corpora(), inventory.splits(), inventory.conditions())


@app.command()
def data(data: Data = None, set_: Assignments = None, config: ConfigFile = None) -> None:
    """Where recordings and weights are looked for and were found, with sizes and hashes."""
    from bench import inventory
    from bench.progress import counted, reporter

    chosen = read_config(_config_file(config), assignments(set_ or []))
    with counted(reporter(Console(stderr=True, emoji=False)), "reading clips") as progress:
        recordings = inventory.recordings(data, progress)
    Console(emoji=False, markup=False).print(recordings, inventory.weights(chosen))


@app.command()
def train(
    backend: Annotated[str, typer.Argument(help="A trained backend: mfcc-svm, mfcc-svm+noise, FILE.py:Class.")],
    out: Annotated[Path, path_option("The model file to write.")],
    corpus: CorpusName = None,
    data: Data = None,
    pattern: NamePattern = None,
    strict: Strict = None,
    split: Annotated[str | None, typer.Option(help="Leave out the test clips of `official` or `mixed`.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the split.")] = None,
    set_: Assignments = None,
    config: ConfigFile = None,
) -> None:
    """Fit a backend on a whole corpus (or a split's training part) and save the model."""
    from bench.progress import reporter
    from bench.recogniser import train_model

    chosen = read_config(
        _config_file(config), assignments(set_ or []),
        corpus=corpus, data=data, pattern=pattern, strict=strict, backends=(backend,), seed=seed,
    )  # fmt: skip
    done = train_model(chosen, out, split, reporter(Console(stderr=True, emoji=False)))
    _echo(*done.corpus.remarks, err=True)
    size = f"{out.stat().st_size / 1e3:,.0f} kB"
    _echo(f"{out}: {backend} fitted on {done.clips:,} clips in {done.seconds:.1f} s, {size}")
    if done.corpus.rejected:
        raise typer.Exit(FAILED)


ModelFile = Annotated[Path | None, path_option("A model file that `digitbench train` wrote.", "--model")]
ModelClass = Annotated[
    str | None, typer.Option("--backend", help="A zero-shot backend; or, with --model, its class: FILE.py:Class.")
]


@app.command()
def predict(
    files: Annotated[list[Path], path_argument("Recordings; - is one from standard input.")],
    model: ModelFile = None,
    backend: ModelClass = None,
    json: Annotated[bool, typer.Option("--json", help="Print a JSON object a line.")] = False,
    set_: Assignments = None,
    config: ConfigFile = None,
) -> None:
    """Recognise recordings: label, the three best scores, and milliseconds. Exit code 1 if one could not be heard."""
    from bench.recogniser import recognise

    chosen = read_config(_config_file(config), assignments(set_ or []))
    failed = False
    for answer in recognise(chosen, model, backend, files, sys.stdin.buffer):
        failed |= answer.error is not None
        typer.echo(answer.json() if json else answer.line(), err=answer.error is not None and not json)
    if failed:
        raise typer.Exit(FAILED)


@app.command()
def analyse(
    files: Annotated[list[Path], path_argument("Recordings.")],
    json: Annotated[bool, typer.Option("--json", help="Print a JSON object a line: segments, and every hop.")] = False,
    pictures: Annotated[
        Path | None, path_option("A folder for a PNG of each: waveform, spectrogram, bands, scores.", "--pictures")
    ] = None,
) -> None:
    """Silence, noise and speech in recordings, and how far they may be compressed. Exit code 1 if one is unreadable."""
    from bench.analyse import analyse_files

    failed = False
    for found in analyse_files(files, pictures):
        failed |= found.error is not None
        _echo(found.json() if json else found.line(), err=found.error is not None and not json)
    if failed:
        raise typer.Exit(FAILED)


@app.command()
def export(
    out: Annotated[Path, path_option("The file to write.")],
    model: Annotated[Path | None, path_argument("A model file that `digitbench train` wrote.")] = None,
    model_: ModelFile = None,
    backend: ModelClass = None,
    set_: Assignments = None,
    config: ConfigFile = None,
) -> None:
    """Write a model for other programs: mfcc-lite as ONNX, samples at 8 kHz in, scores out."""
    from bench.recogniser import export_model

    if model and model_:
        raise BenchError("a model is given twice, as an argument and by --model; leave one of them out")
    chosen = read_config(_config_file(config), assignments(set_ or []))
    export_model(chosen, model or model_, backend, out)
    _echo(f"{out}: {out.stat().st_size / 1e3:,.0f} kB")


@app.command()
def compare(
    before: Annotated[Path, path_argument("The run to compare with: its folder.")],
    after: Annotated[Path, path_argument("The run to judge.")],
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of Markdown.")] = False,
    force: Annotated[bool, typer.Option(help="Judge latency across machines and sessions too.")] = False,
) -> None:
    """Is AFTER worse than BEFORE? Exit code 0: no worse, 1: worse, 2: cannot be compared."""
    from bench.compare import compare as difference
    from bench.marks import open_run
    from bench.records.read import consistent

    with consistent(before, after):
        found = difference(open_run(before), open_run(after), force=force)
    write(found.json()) if json else _echo(*found.markdown().splitlines())
    raise typer.Exit(found.exit_code)


@app.command()
def recommend(
    run: RunFolder = Path("results/fsdd"),
    max_ms: Annotated[float | None, typer.Option(min=0, help="Per clip: warm p50, on the most cores timed.")] = None,
    p95: Annotated[bool, typer.Option("--p95", help="Let --max-ms limit the p95.")] = False,
    max_mb: Annotated[float | None, typer.Option(min=0, help="Of the model.")] = None,
    max_ram_mb: Annotated[float | None, typer.Option(min=0, help="Of memory above an idle process.")] = None,
    max_cold_s: Annotated[float | None, typer.Option(min=0, help="To a fresh process's first answer.")] = None,
    min_accuracy: Annotated[float | None, typer.Option(min=0, max=100, help="Per cent.")] = None,
    new: Annotated[bool, typer.Option("--new-speakers/--known-speakers", help="Unheard in training, or heard.")] = True,
    training: Annotated[bool, typer.Option("--training/--no-training", help="Whether one can train.")] = True,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Which backend fits, and why, from a run's records. Exit code 1 if none does: the nearest miss is named."""
    from bench.marks import open_run
    from bench.recommend import Wish, choose
    from bench.records.read import consistent

    with consistent(run):
        found = choose(open_run(run), Wish(new, training, max_ms, p95, max_mb, max_ram_mb, max_cold_s, min_accuracy))
    for note in found.notes:
        _echo(f"note: {note}", err=True)
    write(found.json().strip()) if json else _echo(*found.lines)
    raise typer.Exit(found.exit_code)


@app.command()
def verify(run: RunFolder) -> None:
    """Make report and tables again, check the hash of all else. Exit code 1 if anything differs."""
    from bench.verify import verify as findings

    found = findings(run)
    for line in found:
        _echo(line, err=True)
    if found:
        raise typer.Exit(FAILED)
    _echo(f"{run}: all is as it was written")


def _folder(corpus: Corpus, config: Config) -> Path:
    """Where a run goes that was not told: never over one of other recordings, nor a trial over the whole."""
    from bench.names import file_name

    name = corpus.title.replace(" → ", "-on-")
    if printable(name) != name or len(name.encode()) > 100:
        name = file_name(name)
    return RESULTS / (f"{name}-limit{config.limit}" if config.limit else name)


def _echo(*lines: object, err: bool = False) -> None:
    """Print lines that may hold anybody's names."""
    for line in lines:
        write(printable(line), err=err)


def _complain(message: str) -> int:
    write(printable(f"error: {message}", lines=True), err=True)
    return UNUSABLE


def _config_file(chosen: Path | None) -> Path | None:
    """The file named, or bench.toml here, or the checkout's."""
    standard = (Path("bench.toml"), ROOT / "bench.toml")
    return chosen or next((path for path in standard if path.is_file()), None)


def _list(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(part.strip() for part in text.split(",") if part.strip())


def _numbers(flag: str, text: str | None) -> tuple[int, ...] | None:
    try:
        return None if text is None else tuple(int(part) for part in text.split(","))
    except ValueError:
        raise BenchError(f"{flag} {text!r}: whole numbers are wanted, such as 1,4") from None


def _command() -> str:
    return shlex.join(["digitbench", *sys.argv[1:]])
