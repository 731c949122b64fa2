"""Files given in place of a video or a package: what they are, and what to do with them."""

from __future__ import annotations

from pathlib import Path

NUM_HEAD_BYTES = 512
"""How many of a file's first bytes tell what it is."""
SESSION_MAGIC = b"\x89UFVS\r\n\x1a"

_ARCHIVES = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!\x1a\x07": "rar",
    b"\x28\xb5\x2f\xfd": "zstd",
}
_TAR_MARK, _TAR_PLACE = b"ustar", 257
_PLAYLIST_STARTS = (b"#EXTM3U", b"ffconcat", b"<?xml", b"<MPD", b"[playlist]")
_PAGE_STARTS = (b"<!doctype html", b"<html")
_TORCH_SUFFIXES = (".pt", ".pth", ".ckpt")


def known_content(path: Path, head: bytes) -> str:
    """What a file is and what to do with it, such as "a zip archive: unpack it ..."; or "".

    Args:
        path: Its name.
        head: Its first NUM_HEAD_BYTES.
    """
    suffix, text = path.suffix.lower(), head.lstrip().lower()
    if head.startswith(b"\x93NUMPY"):
        return 'a NumPy array: open(numpy.load(path, mmap_mode="r"), fps=...)'
    if head.startswith(SESSION_MAGIC):
        return "a saved session: UFVideo.load_session(path) opens it"
    if head.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer in place of the file: git lfs pull"
    if text.startswith(_PAGE_STARTS):
        return "a web page: download the file that it shows"
    if head.lstrip().startswith(_PLAYLIST_STARTS):
        return "a playlist, which names other files: open the video file itself"
    if head.startswith(b"%PDF"):
        return "a PDF document"
    return _known_archive(suffix, head)


def _known_archive(suffix: str, head: bytes) -> str:
    is_tar = head[_TAR_PLACE:].startswith(_TAR_MARK)
    kind = "tar" if is_tar else next((k for m, k in _ARCHIVES.items() if head.startswith(m)), "")
    if kind == "zip" and suffix == ".npz":
        return 'arrays of NumPy: open(numpy.load(path)["..."], fps=...)'
    if kind == "zip" and suffix in _TORCH_SUFFIXES:
        return "tensors of PyTorch: open(torch.load(path), fps=...)"
    return f"a {kind} archive: unpack it, and open what is inside" if kind else ""
