"""The variants that grouping is measured on keep the problems and their labels."""

from __future__ import annotations

import pytest

from benchmarks.grouping_variants import FALSE_POSITIVE, VARIANTS, vary

HOUR = 3600.0
USUAL = [(600.0 * n, "login", f"host-{n % 4}", FALSE_POSITIVE) for n in range(100)]
PHASES = [
    *((5 * HOUR + n, "scan", "web", "scans") for n in range(50)),
    *((5 * HOUR + 300 + n, "crack", "vault", "cracking") for n in range(50)),
]
ALERTS = sorted([alert for alert in USUAL if not 5 * HOUR <= alert[0] <= 5.2 * HOUR] + PHASES)


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_is_in_order_the_same_each_time_and_unlike_the_original(name):
    varied = vary(ALERTS, name, 1)
    assert varied == vary(ALERTS, name, 1)
    assert varied != ALERTS
    assert [alert[0] for alert in varied] == sorted(alert[0] for alert in varied)
    assert {"scans", FALSE_POSITIVE} <= {alert[3] for alert in varied}


@pytest.mark.parametrize("name", ["hosts_added", "busier"])
def test_what_is_added_within_a_phase_is_of_the_phase(name):
    for seed in range(5):
        for time, _, _, label in vary(ALERTS, name, seed):
            within_scans = 5 * HOUR <= time <= 5 * HOUR + 49
            assert (label == "scans") == within_scans


def test_stretched_pauses_keep_the_order_of_the_phases_and_what_came_before():
    for seed in range(5):
        varied = vary(ALERTS, "pauses_stretched", seed)
        last_scan = max(alert[0] for alert in varied if alert[3] == "scans")
        first_crack = min(alert[0] for alert in varied if alert[3] == "cracking")
        assert 0.6 * 251 <= first_crack - last_scan <= 20 * 251 + 1
        before = [alert for alert in ALERTS if alert[0] < 5 * HOUR]
        assert varied[: len(before)] == before
