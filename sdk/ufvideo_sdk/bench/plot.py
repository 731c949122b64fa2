"""A measurement as one HTML page with inline SVG: nothing is loaded from anywhere."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ufvideo_sdk.bench.duration import steadiness
from ufvideo_sdk.bench.result import BenchResult
from ufvideo_sdk.bench.summary import N_TOO_SMALL, PERCENTILES, Summary
from ufvideo_sdk.bench.table import steadiness_line

_MIB = 1 << 20
# The most points of one picture; of more, every n-th is drawn.
_MAX_POINTS = 400
_STRIPS = (
    "open_ms",
    "ttft_ms",
    "ttft_second_ms",
    "tpot_ms",
    "itl_ms",
    "e2el_ms",
    "ask_many_ms",
    "locate_ms",
    "segment_ms",
    "load_cold_ms",
    "load_warm_ms",
    "round_ms",
)
_STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5b6675; --line: #d9dfe7;
  --page: #ffffff; --card: #f5f7fa; --dot: #2463c5; --mark: #c2410c; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --soft: #9aa6b5; --line: #333c49;
  --page: #12161c; --card: #1b2129; --dot: #7fb0ff; --mark: #ff9a62; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 80rem; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin: 0.5rem 0 0; }
h2 { font-size: 1.1rem; margin: 2rem 0 0.5rem; }
p { margin: 0.25rem 0; color: var(--soft); overflow-wrap: anywhere; }
.cards { display: grid; gap: 0.75rem;
  grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); }
.card { background: var(--card); border-radius: 0.5rem; padding: 0.6rem 0.8rem; min-width: 0; }
.rounds { max-width: 36rem; }
.card b { font-variant-numeric: tabular-nums; }
.card small { color: var(--soft); display: block; }
svg { width: 100%; height: auto; display: block; }
svg text { font: 11px system-ui, sans-serif; fill: var(--soft); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; white-space: nowrap; }
th, td { padding: 0.2rem 0.7rem; text-align: right; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0;
  background: var(--page); }
td.small { color: var(--soft); }
"""


def to_html(result: BenchResult) -> str:
    """The page."""
    document = result.document
    title = f"{document['package']['model']} on {document['source']['name']}"
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{_text(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{_text(title)}</h1>",
        *(f"<p>{_text(line)}</p>" for line in _heading(document)),
    ]
    for number, providers in enumerate(result.providers):
        parts += _section(result, number, " ".join(providers))
    parts.append("</body></html>\n")
    return "\n".join(parts)


def _text(value: object) -> str:
    return html.escape(str(value))


def _heading(document: Mapping[str, Any]) -> Iterator[str]:
    machine, settings = document["machine"], document["settings"]
    before, during = document["state"]["before"], document["state"]["during"]
    yield f"{document['created']}, {machine['board'] or ''} {machine['cpu'] or ''}"
    threads = settings["num_threads"] or "all"
    yield (
        f"ufvideo-sdk {document['versions'].get('ufvideo-sdk')}, {threads} threads, package"
        f" {document['package']['manifest_sha256'][:12]}"
    )
    told = [
        f"{name.replace('_', ' ')} {value}"
        for name, value in (
            ("power_mode", before["power_mode"]),
            ("governors", ", ".join(sorted(set(before["governors"].values())))),
            ("clock", during["cpu_clock_mhz"] and f"{during['cpu_clock_mhz']:.0f} MHz"),
        )
        if value
    ]
    if told:
        yield ", ".join(told)
    energy = document["energy"]
    yield f"energy: {energy['not_measured'] or ', '.join(energy['rails'])}"


def _section(result: BenchResult, number: int, providers: str) -> Iterator[str]:
    processes = result.document["results"][number]["processes"]
    summaries = result.summaries(number)
    yield f"<h2>{_text(providers)}</h2>"
    yield "<p>One point is one sample, one line is one process; the bar is the median, or the mean"
    yield " of too few samples for a median.</p>"
    yield '<div class="cards">'
    for name in _STRIPS:
        if name in summaries:
            yield _strip_card(
                summaries[name], [each["samples"].get(name, []) for each in processes]
            )
    yield "</div>"
    if result.document["settings"]["duration_s"] is not None:
        yield from _duration(processes[0])
    yield "<h2>All figures</h2>"
    yield from _table(list(summaries.values()))


def _strip_card(summary: Summary, by_process: Sequence[Sequence[float]]) -> str:
    figure = summary.figure
    middle = summary.p50 if summary.p50 is not None else summary.mean
    called = "median" if summary.p50 is not None else "mean"
    return (
        f'<div class="card">{_text(figure.name)} <b>{middle:.4g}</b> {_text(called)}'
        f"<small>{_text(figure.what.replace('`', ''))}</small>{_strip(by_process, middle)}</div>"
    )


def _strip(by_process: Sequence[Sequence[float]], middle: float) -> str:
    values = [value for samples in by_process for value in samples]
    low, high = min(values), max(values)
    width, row, left = 320.0, 7.0, 6.0
    height = row * len(by_process) + 22
    span = (high - low) or 1.0

    def x(value: float) -> float:
        return left + (width - 2 * left) * (value - low) / span

    step = _step(len(values))
    dots = "".join(
        f'<circle cx="{x(value):.1f}" cy="{row * (i + 0.5) + 2:.1f}" r="2.2"/>'
        for i, samples in enumerate(by_process)
        for value in samples[::step]
    )
    bottom = row * len(by_process) + 4
    return (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img">'
        f'<g fill="var(--dot)" fill-opacity="0.55">{dots}</g>'
        f'<path d="M{x(middle):.1f} 0V{bottom:.1f}" stroke="var(--mark)" stroke-width="1.5"/>'
        f'<path d="M{left} {bottom:.1f}H{width - left}" stroke="var(--line)"/>'
        f'<text x="{left}" y="{height - 4:.1f}">{low:.4g}</text>'
        f'<text x="{width - left}" y="{height - 4:.1f}" text-anchor="end">{high:.4g}</text></svg>'
    )


def _step(count: int) -> int:
    """Which of so many points are drawn: every first, second, ..."""
    return max(math.ceil(count / _MAX_POINTS), 1)


def _duration(process: Mapping[str, Any]) -> Iterator[str]:
    rounds = process["rounds"]
    steady = steadiness(process)
    if steady is None:
        return
    yield "<h2>Every round</h2>"
    yield f"<p>{_text(steadiness_line(steady))}</p>"
    begin, end = rounds[0]["begin_s"], rounds[-1]["end_s"]
    high = max(each["round_ms"] for each in rounds)
    width, height = 320.0, 110.0
    step = _step(len(rounds))
    points = " ".join(
        f"{6 + 308 * (each['begin_s'] - begin) / ((end - begin) or 1):.1f},"
        f"{92 - 84 * each['round_ms'] / high:.1f}"
        for each in rounds[::step]
    )
    yield (
        f'<div class="card rounds"><svg viewBox="0 0 {width:.0f} {height:.0f}" role="img">'
        f'<polyline points="{points}" fill="none" stroke="var(--dot)" stroke-width="1.2"/>'
        '<path d="M6 92H314" stroke="var(--line)"/>'
        f'<text x="6" y="106">0 s</text><text x="6" y="10">{high:.4g} ms</text>'
        f'<text x="314" y="106" text-anchor="end">{end - begin:.0f} s</text></svg></div>'
    )


def _table(summaries: Sequence[Summary]) -> Iterator[str]:
    heads = ("figure", "n", "mean", "min", "max", *(f"p{percent}" for percent in PERCENTILES))
    yield '<div class="scroll"><table><tr>'
    yield "".join(f"<th>{head}</th>" for head in heads) + "</tr>"
    for each in summaries:
        numbers = (each.mean, each.min, each.max)
        cells = "".join(f"<td>{_number(each, value)}</td>" for value in numbers)
        for value in each.percentiles.values():
            cells += (
                f'<td class="small">{N_TOO_SMALL}</td>'
                if value is None
                else f"<td>{_number(each, value)}</td>"
            )
        what, name = _text(each.figure.what), _text(each.figure.name)
        yield f'<tr><td title="{what}">{name}</td><td>{each.n}</td>{cells}</tr>'
    yield "</table></div>"


def _number(summary: Summary, value: float) -> str:
    if summary.figure.unit == "bytes":
        return f"{value / _MIB:.1f} MiB"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"
