"""Logistic regression with a ridge on standardised columns, for a few numbers and some hundred examples."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64
from scipy.optimize import minimize

RIDGE = 1.0  # on the weights, in units of the log-likelihood


def fit_logistic(x: Float64[np.ndarray, "n k"], y: Float64[np.ndarray, "n"]) -> tuple[float, Float64[np.ndarray, "k"]]:
    """Intercept and weights of the columns of x. y: 0 or 1."""
    mean, spread = x.mean(axis=0), x.std(axis=0)
    scale = np.where(spread > 1e-9, spread, 1.0)  # a column that is the same everywhere says nothing
    standard = (x - mean) / scale

    def loss(w: Float64[np.ndarray, "k1"]) -> tuple[float, Float64[np.ndarray, "k1"]]:
        z = w[0] + standard @ w[1:]
        p = 1.0 / (1.0 + np.exp(-np.clip(z, -50, 50)))
        value = np.logaddexp(0.0, z).sum() - y @ z + RIDGE * w[1:] @ w[1:] / 2
        slope = np.concatenate([[(p - y).sum()], (p - y) @ standard + RIDGE * w[1:]])
        return float(value), slope

    found = minimize(loss, np.zeros(1 + x.shape[1]), jac=True, method="L-BFGS-B").x
    weights = found[1:] / scale
    return float(found[0] - mean @ weights), weights
