"""Text of double size: how a page is given it, and what it must not do there."""

from __future__ import annotations

LARGE = "addEventListener('DOMContentLoaded', () => (document.documentElement.style.fontSize = '200%'));"
# What reaches beyond the window, or beyond the card that it is in; lists that can be scrolled sideways aside.
CUT_OFF = """[...document.querySelectorAll("body *")]
  .filter((one) => one.checkVisibility() && !one.closest(".strip, .tabs, .unseen, .skip, svg"))
  .filter((one) => one.getBoundingClientRect().right > Math.min(innerWidth,
    one.closest(".card")?.getBoundingClientRect().right ?? innerWidth) + 1)
  .map((one) => `${one.tagName} ${one.className}: ${one.textContent.trim().slice(0, 40)}`)"""
# Texts in a column in which not even four letters stand beside one another.
SQUEEZED = """[...document.querySelectorAll("p, span, strong, label, button, select, a")]
  .filter((one) => one.checkVisibility() && one.textContent.trim().length > 5 && !one.closest(".unseen, .brand, svg"))
  .filter((one) => one.getClientRects().length === 1 && getComputedStyle(one).display !== "inline")
  .filter((one) => one.getBoundingClientRect().width < 2.2 * Number.parseFloat(getComputedStyle(one).fontSize))
  .map((one) => `${one.tagName} ${one.className}: ${one.textContent.trim().slice(0, 40)}`)"""
