"""What is known of each industry, platform and audience: what an ad costs, how often it is clicked, whom it suits."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

INDUSTRIES = ("education", "fashion", "finance", "fitness", "food", "home", "software", "travel")
PLATFORMS = ("display", "search", "short_video", "social_feed")
AGES = ("18-24", "25-34", "35-44", "45-54", "55+")
GENDERS = ("all", "men", "women")
CALLS = ("Book now", "Get offer", "Learn more", "Shop now", "Sign up", "Try free")

CLICK_RATE: Floats = np.array([0.019, 0.024, 0.013, 0.021, 0.026, 0.018, 0.015, 0.022])
"""Clicks per impression, by industry."""
CONVERSION_RATE: Floats = np.array([0.060, 0.045, 0.075, 0.055, 0.065, 0.050, 0.080, 0.040])
"""Conversions per click, by industry."""
CLICK_COST: Floats = np.array([0.90, 0.55, 2.20, 0.70, 0.60, 0.85, 1.90, 0.95])
"""Currency units a click, by industry."""
WEEKEND: Floats = np.array([-0.15, 0.10, -0.30, 0.05, 0.15, 0.12, -0.40, 0.08])
"""Logarithm of the volume of Saturday and Sunday against other days, by industry."""
SEASON: Floats = np.array([0.10, 0.15, 0.05, 0.20, 0.08, 0.12, 0.05, 0.25])
"""Height of the yearly wave of the logarithm of volume, by industry."""
SEASON_START: Floats = np.array([0.55, 0.70, 0.0, 0.90, 0.40, 0.15, 0.60, 0.25])
"""Where in its wave the year begins, by industry, in [0, 1)."""

PLATFORM_CLICKS: Floats = np.array([0.6, 1.5, 0.9, 1.1])
"""Click rate against the industry's, by platform."""
PLATFORM_COST: Floats = np.array([0.7, 1.4, 0.8, 1.0])
"""Cost of a click against the industry's, by platform."""
PLATFORM_SHARE: Floats = np.array([0.22, 0.28, 0.20, 0.30])
"""Share of ads, by platform, before the drift."""
PLATFORM_SHARE_DRIFTED: Floats = np.array([0.12, 0.18, 0.45, 0.25])
"""Share of ads, by platform, of the ads that start in the drift period."""
AGE_SHARE: Floats = np.array([0.20, 0.25, 0.22, 0.18, 0.15])
GENDER_SHARE: Floats = np.array([0.36, 0.32, 0.32])

PLATFORM_EFFECT: Floats = np.array([-8.5, 7.0, -2.5, 5.0])
AGE_EFFECT: Floats = np.array([5.0, 2.0, -1.0, -3.0, -6.0])
CALL_EFFECT: Floats = np.array([1.0, 2.0, -3.0, 2.0, -2.0, 0.0])
"""Small, because the call to action is a word as well as a setting."""
GENDER_EFFECT: Floats = np.array([-2.0, 1.0, 1.0])
AGE_PLATFORM_EFFECT: Floats = np.array(
    [
        [-5.0, -2.0, 1.0, 3.0, 4.0],
        [-2.0, 1.0, 2.0, 1.0, -2.0],
        [7.0, 4.0, -1.0, -4.0, -7.0],
        [-2.0, 1.0, 2.0, 1.0, -2.0],
    ]
)
"""Points of effectiveness, by platform and age."""
INDUSTRY_PLATFORM_EFFECT: Floats = np.array(
    [
        [-1.0, 3.0, 0.0, -2.0],
        [-1.0, -4.0, 2.0, 3.0],
        [2.0, 2.0, -4.0, 0.0],
        [-2.0, -2.0, 3.0, 1.0],
        [1.0, -3.0, 1.0, 1.0],
        [2.0, 1.0, -3.0, 0.0],
        [-1.0, 4.0, -2.0, -1.0],
        [0.0, -1.0, 1.0, 0.0],
    ]
)
"""Points of effectiveness, by industry and platform; no industry is better than another over all platforms."""
BUDGET_EFFECT = 2.0
"""Points of effectiveness for an ad with the largest share of its account's budget against one with the smallest."""
