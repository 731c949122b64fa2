"""`ufvideo doctor`."""

from __future__ import annotations

import json
from dataclasses import asdict

import typer

from ufvideo_sdk.cli.exit_codes import EXIT_CODES
from ufvideo_sdk.cli.options import JsonOption, LibraryOption
from ufvideo_sdk.cli.say import say
from ufvideo_sdk.diagnostics.doctor import Finding, Health, examine
from ufvideo_sdk.errors import DeviceError

_MARKS = {
    Health.OK: "ok     ",
    Health.ABSENT: "absent ",
    Health.MIXED: "mixed  ",
    Health.BROKEN: "BROKEN ",
}


def doctor(as_json: JsonOption = False, onnxruntime_library: LibraryOption = None) -> None:
    """Say what is installed, what works here, and what to do where it does not.

    Example: ufvideo doctor
    """
    findings = examine(onnxruntime_library)
    broken = any(finding.health is Health.BROKEN for finding in findings)
    if as_json:
        report = {"works": not broken, "findings": [asdict(finding) for finding in findings]}
        say(json.dumps(report, indent=2))
    else:
        _print(findings, broken)
    if broken:
        raise typer.Exit(EXIT_CODES[DeviceError])


def _print(findings: list[Finding], broken: bool) -> None:
    for finding in findings:
        say(f"{_MARKS[finding.health]} {finding.subject:<22} {finding.detail}")
    say("")
    if broken:
        say("Not ready. To do:")
        _print_remedies(findings, Health.BROKEN)
    else:
        say("Ready: questions can be answered on the CPU.")
    for health, title in ((Health.MIXED, "To mend:"), (Health.ABSENT, "Optional:")):
        if any(finding.remedy and finding.health is health for finding in findings):
            say(title)
            _print_remedies(findings, health)


def _print_remedies(findings: list[Finding], health: Health) -> None:
    for finding in findings:
        if finding.remedy and finding.health is health:
            say(f"  {finding.subject}: {finding.remedy}")
