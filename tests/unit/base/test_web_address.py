"""Addresses of web servers to which paths are appended."""

from __future__ import annotations

import pytest

from pi_cam_node.base.web_address import is_web_address


@pytest.mark.parametrize(
    "text",
    [
        "http://10.0.0.5:8080",
        "http://[fe80::1%25eth0]:8080",
        "https://cam.example.org/porch",
        "http://my_pi.local:8080/",
        "https://käse.example",
    ],
)
def test_an_address_has_a_scheme_a_host_and_perhaps_a_port_and_a_path(text: str) -> None:
    assert is_web_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10.0.0.5:8080",
        "ftp://10.0.0.5",
        "javascript:alert(1)",
        "http://",
        "http:///path",
        "http://a..b",
        f"http://{'a' * 64}.example",
        "http://10.0.0.5:99999",
        "http://10.0.0.5:0",
        "http://user:secret@10.0.0.5",
        "http://10.0.0.5/reboot?now=",
        "http://10.0.0.5/reboot?",
        "http://10.0.0.5/reboot#",
        "http://10.0.0.5\\@example.org",
        "http://10.0.0.5/a b",
        "http://10.0.0.5/\r\nX: y",
        "http://10.0.0.5\n",
        "http://10.0.0.5/a//b",
        "http://[",
    ],
)
def test_what_would_not_stay_an_address_with_a_path_behind_it_is_none(text: str) -> None:
    assert not is_web_address(text)
