"""Certificates for tests, made with the openssl program."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path


class Authority:
    """A certificate authority for tests, created with the openssl program."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self.ca = folder / f"{name}.crt"
        self._key = folder / f"{name}.key"
        self._openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", f"/CN={name}", "-keyout", self._key, "-out", self.ca,
        )  # fmt: skip

    def issue(self, name: str, days: int = 2) -> tuple[Path, Path]:
        """Issue a certificate for a host name; return its file and its key's. Negative days: expired."""
        key, request, cert, extension = (self._folder / f"{name}.{end}" for end in ("key", "csr", "crt", "ext"))
        extension.write_text(f"subjectAltName=DNS:{name}\n")
        self._openssl(
            "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-subj", f"/CN={name}", "-keyout", key, "-out", request,
        )  # fmt: skip
        self._openssl(
            "x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self._key, "-set_serial", "1",
            "-days", str(days), "-extfile", extension, "-out", cert,
        )  # fmt: skip
        return cert, key

    def _openssl(self, *arguments: str | Path) -> None:
        program = shutil.which("openssl")
        assert program is not None
        subprocess.run([program, *map(str, arguments)], check=True, capture_output=True)
