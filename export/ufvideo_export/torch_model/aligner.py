"""The aligner ("STC connector") and the region encoder's MLP (docs/model.md, parts 4 and 5).

Parameter names are those of timm's RegNet stages, which the checkpoint keeps.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

# The released weights were trained behind a norm-and-activation layer whose default is 1e-5, not
# the 1e-6 of the plain norm; the golden video tokens agree with this one alone.
NORM_EPS = 1e-5


class ChannelNorm(nn.LayerNorm):
    """LayerNorm over the channels of a float32 [T, C, h, w] map."""

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Normalise each position over its channels; shape and dtype stay."""
        return super().forward(maps.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNorm(nn.Module):
    """A convolution without bias, a channel norm and, if asked for, SiLU."""

    def __init__(
        self, in_width: int, out_width: int, *, kernel: int = 1, groups: int = 1, act: bool = True
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_width, out_width, kernel, padding=kernel // 2, groups=groups, bias=False
        )
        self.bn = ChannelNorm(out_width, eps=NORM_EPS)
        self.act = act

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Float32 [T, Cin, h, w] -> [T, Cout, h, w]."""
        maps = self.bn(self.conv(maps))
        return F.silu(maps) if self.act else maps


class SqueezeExcitation(nn.Module):
    """Scale each channel by a gate computed from the map's mean."""

    def __init__(self, width: int, squeezed_width: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(width, squeezed_width, 1)
        self.fc2 = nn.Conv2d(squeezed_width, width, 1)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Float32 [T, C, h, w] -> the same shape."""
        gate = self.fc2(F.silu(self.fc1(maps.mean((2, 3), keepdim=True))))
        return maps * torch.sigmoid(gate)


class Bottleneck(nn.Module):
    """RegNet's bottleneck with depthwise 3x3 convolution and squeeze-excitation."""

    def __init__(self, in_width: int, width: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(in_width, width)
        self.conv2 = ConvNorm(width, width, kernel=3, groups=width)
        # The squeezed width follows the block's own input, not its output.
        self.se = SqueezeExcitation(width, round(in_width * 0.25))
        self.conv3 = ConvNorm(width, width, act=False)
        self.downsample = ConvNorm(in_width, width, act=False) if in_width != width else None

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Float32 [T, Cin, h, w] -> [T, C, h, w]."""
        shortcut = maps if self.downsample is None else self.downsample(maps)
        return F.silu(self.conv3(self.se(self.conv2(self.conv1(maps)))) + shortcut)


class RegStage(nn.Sequential):
    """Bottlenecks b1, b2, ...; the first one changes the width."""

    def __init__(self, in_width: int, width: int, num_blocks: int) -> None:
        super().__init__()
        for number in range(1, num_blocks + 1):
            self.add_module(f"b{number}", Bottleneck(in_width if number == 1 else width, width))


class Aligner(nn.Module):
    """Video features to video tokens."""

    def __init__(
        self,
        vision_width: int,
        width: int,
        *,
        num_blocks: tuple[int, int] = (4, 4),
        padding: int = 0,
    ) -> None:
        super().__init__()
        self.s1 = RegStage(vision_width, width, num_blocks[0])
        self.sampler = nn.Sequential(
            nn.Conv3d(width, width, kernel_size=2, stride=2, padding=padding), nn.SiLU()
        )
        self.s2 = RegStage(width, width, num_blocks[1])
        self.readout = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Join frame pairs and neighbouring patches.

        Args:
            features: Vision features, float32 [T, P, Dv] with P a square number.

        Returns:
            Video tokens in (t, h, w) order, float32 [N, D].
        """
        num_frames, num_patches, vision_width = features.shape
        grid = round(num_patches**0.5)
        maps = features.reshape(num_frames, grid, grid, vision_width).permute(0, 3, 1, 2)
        maps = self.s1(maps)
        joined = self.sampler(maps.permute(1, 0, 2, 3).unsqueeze(0)).squeeze(0)
        maps = self.s2(joined.permute(1, 0, 2, 3))
        return self.readout(maps.permute(0, 2, 3, 1).flatten(0, 2))


class RegionEncoder(nn.Sequential):
    """The two-layer MLP behind mask pooling and token merge: float32 [R, Dv] -> [R, D]."""

    def __init__(self, vision_width: int, width: int) -> None:
        super().__init__(nn.Linear(vision_width, width), nn.GELU(), nn.Linear(width, width))
