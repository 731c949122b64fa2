"""`ufvideo doctor`."""

from __future__ import annotations

import json
from dataclasses import asdict

import typer

from ufvideo_sdk.cli.exit_codes import EXIT_CODES
from ufvideo_sdk.cli.options import JsonOption, LibraryOption
from ufvideo_sdk.doctor import Finding, Health, examine
from ufvideo_sdk.errors import DeviceError

_MARKS = {Health.OK: "ok     ", Health.ABSENT: "absent ", Health.BROKEN: "BROKEN "}


def doctor(as_json: JsonOption = False, onnxruntime_library: LibraryOption = None) -> None:
    """Say what is installed, what works here, and what to do where it does not.

    Example: ufvideo doctor
    """
    findings = examine(onnxruntime_library)
    broken = any(finding.health is Health.BROKEN for finding in findings)
    if as_json:
        report = {"works": not broken, "findings": [asdict(finding) for finding in findings]}
        typer.echo(json.dumps(report, indent=2))
    else:
        _print(findings, broken)
    if broken:
        raise typer.Exit(EXIT_CODES[DeviceError])


def _print(findings: list[Finding], broken: bool) -> None:
    for finding in findings:
        typer.echo(f"{_MARKS[finding.health]} {finding.subject:<22} {finding.detail}")
    typer.echo("")
    needed = [f for f in findings if f.remedy and f.health is Health.BROKEN]
    optional = [f for f in findings if f.remedy and f.health is Health.ABSENT]
    if broken:
        typer.echo("Not ready. To do:")
        for finding in needed:
            typer.echo(f"  {finding.subject}: {finding.remedy}")
    else:
        typer.echo("Ready: questions can be answered on the CPU.")
    if optional:
        typer.echo("Optional:")
        for finding in optional:
            typer.echo(f"  {finding.subject}: {finding.remedy}")
