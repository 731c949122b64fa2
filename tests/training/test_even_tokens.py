"""Tokens are evened out inside the weights of the layers that make and read them."""

from __future__ import annotations

import pytest

from tests.compare import assert_close

pytest.importorskip("torch", reason="needs the export extra")
import torch
from torch import nn

from training.train.even_tokens import TOKEN_SPREAD, even_out, shrink, standardise_inputs

pytestmark = pytest.mark.torch


def test_even_tokens_are_centred_and_vary_alike_in_every_direction():
    torch.manual_seed(0)
    # One direction drowns the others, and all tokens lie far from 0.
    inputs = torch.randn(4000, 16) * torch.logspace(0.5, 2, 16) + 40
    linear = nn.Linear(16, 12)
    with torch.no_grad():
        even_out(linear, linear(inputs))
        tokens = linear(inputs)
    covariance = torch.cov(tokens.T) / TOKEN_SPREAD**2
    assert_close(tokens.mean(0).numpy(), torch.zeros(12).numpy(), max_abs=1e-3, where="mean")
    assert (covariance.diagonal() - 1).abs().max() < 0.05
    assert covariance.fill_diagonal_(0).abs().max() < 0.05


def test_noise_is_not_blown_up():
    torch.manual_seed(0)
    linear = nn.Linear(4, 4)
    with torch.no_grad():
        linear.weight.copy_(torch.diag(torch.tensor([10.0, 1.0, 0.01, 0.001])))
        inputs = torch.randn(4000, 4)
        even_out(linear, linear(inputs))
        spread = linear(inputs).std(0)
    assert spread[0] > 0.9 * TOKEN_SPREAD and spread[2] < 0.05 * TOKEN_SPREAD


def test_standardised_inputs_leave_the_rest_as_it_was():
    torch.manual_seed(0)
    features = torch.randn(500, 8) * 30 + 12
    linear = nn.Linear(8, 5)
    with torch.no_grad():
        wanted = linear((features - features.mean(0)) / (features.std(0) + 1e-3))
        standardise_inputs(linear, features)
        assert_close(linear(features).numpy(), wanted.numpy(), max_abs=1e-4, where="standardised")
        shrink(linear)
        spread = float(linear(torch.randn(4000, 8)).std())
    assert abs(spread / TOKEN_SPREAD - 1) < 0.5
