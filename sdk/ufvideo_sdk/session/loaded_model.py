"""What a session needs of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ufvideo_sdk import _native
from ufvideo_sdk.package.manifest import Manifest
from ufvideo_sdk.results.answer import StageProviders
from ufvideo_sdk.text.constraints import AnswerFormats
from ufvideo_sdk.text.prompt import PromptBuilder
from ufvideo_sdk.text.tokenizer import TextTokenizer


@dataclass(frozen=True)
class LoadedModel:
    """The opened parts of a package, immutable and shared by sessions and threads.

    Attributes:
        package: The package's folder.
        manifest: What it says of the model.
        manifest_sha256: Digest of the manifest's file, which holds those of all others.
        native: The weights.
        stage_providers: Execution providers of each stage, by stem.
        tokenizer: Text to ids and back.
        prompts: Questions to ids.
        formats: What answers may be.
    """

    package: Path
    manifest: Manifest
    manifest_sha256: str
    native: _native.Model
    stage_providers: Mapping[str, StageProviders]
    tokenizer: TextTokenizer
    prompts: PromptBuilder
    formats: AnswerFormats
