"""Logistic regression with a ridge on standardised columns, for a few numbers and some hundred examples."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64
from scipy.optimize import minimize

RIDGE = 1.0  # on the weights, in units of the log-likelihood


def fit_logistic(x: Float64[np.ndarray, "n k"], y: Float64[np.ndarray, "n"]) -> tuple[float, Float64[np.ndarray, "k"]]:
    """Intercept and weights of the columns of x. y: 0 or 1."""
    scale = np.maximum(x.std(axis=0), 1e-6)

    def loss(w: Float64[np.ndarray, "k1"]) -> tuple[float, Float64[np.ndarray, "k1"]]:
        z = w[0] + x @ (w[1:] / scale)
        p = 1.0 / (1.0 + np.exp(-np.clip(z, -50, 50)))
        value = np.logaddexp(0.0, z).sum() - y @ z + RIDGE * w[1:] @ w[1:] / 2
        slope = np.concatenate([[(p - y).sum()], (p - y) @ x / scale + RIDGE * w[1:]])
        return float(value), slope

    found = minimize(loss, np.zeros(1 + x.shape[1]), jac=True, method="L-BFGS-B").x
    return float(found[0]), found[1:] / scale
