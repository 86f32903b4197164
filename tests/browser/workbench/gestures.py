"""Helpers for common steps on the workbench."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect


def press(page: Any, move: str) -> None:
    """Press an incident's button, in the bar or below More."""
    button = page.locator(f"[data-move={move}]").first
    if not button.is_visible():
        page.locator(".wb-actions summary").click()
    button.click()


def expect_toast(page: Any, text: str) -> None:
    expect(page.locator(".wb-toast")).to_contain_text(text)


def submit(page: Any) -> None:
    page.locator("dialog button[type=submit]").click()
