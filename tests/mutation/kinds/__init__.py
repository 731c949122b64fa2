"""The kinds of input, by name."""

from __future__ import annotations

from collections.abc import Mapping

from tests.mutation.case import Kind
from tests.mutation.kinds.answers import Answers
from tests.mutation.kinds.packages import Packages
from tests.mutation.kinds.pictures import Pictures
from tests.mutation.kinds.sessions import Sessions
from tests.mutation.kinds.videos import Videos

KINDS: Mapping[str, type[Kind]] = {
    kind.name: kind for kind in (Packages, Sessions, Pictures, Videos, Answers)
}
