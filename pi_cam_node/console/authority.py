"""Private certificate authority that signs the console's TLS certificate; phones that trust it accept the console.

Below ``<base_dir>/ca``: ``ca.pem``, which phones install; ``ca.key``, which never leaves this machine; ``console.pem``
and ``console.key``. Name constraints (RFC 5280, section 4.2.1.10) limit the authority to names of local networks and
those given when it was made, so that a stolen key cannot impersonate other sites.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pi_cam_node.base.atomic_files import make_directory, replace_atomically
from pi_cam_node.base.frozen import frozen

FOLDER, AUTHORITY, AUTHORITY_KEY, CERTIFICATE, KEY = "ca", "ca.pem", "ca.key", "console.pem", "console.key"
AUTHORITY_DAYS = 3650
# Apple rejects certificates that are valid for longer.
CERTIFICATE_DAYS = 398
RENEW_DAYS = 30
# Clocks of phones differ, and a Pi's may be behind.
BACK_DAYS = 1
LOCAL_NAMES = ("local", "lan", "home.arpa", "internal", "localhost")
LOCAL_NETWORKS = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "fc00::/7",
    "::1/128",
)
NAMES_MAX = 32
_HOST = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")

Certified = x509.DNSName | x509.IPAddress


@frozen
class Issued:
    """An issued certificate of the console.

    Attributes:
        folder: Where the files are.
        names: Host names and addresses in the console's certificate.
        ends: End of its validity, UTC.
        fingerprint: SHA-256 of the authority's certificate, as phones show it.
    """

    folder: Path
    names: tuple[str, ...]
    ends: datetime
    fingerprint: str


def issue(base_dir: Path, names: Sequence[str], now: datetime) -> Issued:
    """Issue a certificate for the console; the certificate authority is created if there is none.

    Args:
        base_dir: ``console.base_dir``.
        names: Host names and addresses under which browsers reach the console; empty: those of the previous
            certificate.
        now: UTC.

    Raises:
        ValueError: A name is malformed, or outside the authority's name constraints.
        OSError: A file could not be read or written.
    """
    folder = base_dir / FOLDER
    certified = [_certified(name) for name in names] or _names_before(folder / CERTIFICATE)
    if not certified:
        raise ValueError("name the console: --name house.local, --name 192.168.1.10")
    if len(certified) > NAMES_MAX:
        raise ValueError(f"a certificate takes {NAMES_MAX} names at most")
    make_directory(folder)
    if not (folder / AUTHORITY).exists():
        _make_authority(folder, certified, now)
    authority = x509.load_pem_x509_certificate((folder / AUTHORITY).read_bytes())
    for name in certified:
        if not _may_sign(authority, name):
            raise ValueError(f"the authority was not made for {name.value}; move {folder} away to make another one")
    ends = _sign(folder, authority, certified, now)
    raw = authority.fingerprint(hashes.SHA256())
    return Issued(folder, tuple(str(one.value) for one in certified), ends, raw.hex(":").upper())


def ends_of(certificate: Path) -> datetime:
    """Return when the first certificate in a PEM file expires, UTC.

    Raises:
        OSError: It cannot be read.
        ValueError: It holds none.
    """
    found = x509.load_pem_x509_certificate(certificate.read_bytes())
    if hasattr(found, "not_valid_after_utc"):
        return found.not_valid_after_utc
    return found.not_valid_after.replace(tzinfo=UTC)  # before cryptography 42, as Debian 12 has it


def _certified(name: str) -> Certified:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        if _HOST.fullmatch(name.lower()) is None:
            raise ValueError(f"{name!r} is neither a host name nor an address") from None
        return x509.DNSName(name.lower())


def _names_before(path: Path) -> list[Certified]:
    if not path.exists():
        return []
    found = x509.load_pem_x509_certificate(path.read_bytes()).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    return [one for one in found.value if isinstance(one, x509.DNSName | x509.IPAddress)]


def _make_authority(folder: Path, names: Sequence[Certified], now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"House of {names[0].value}"[:64])])
    permitted: list[x509.GeneralName] = [x509.DNSName(name) for name in LOCAL_NAMES]
    permitted += [x509.IPAddress(ipaddress.ip_network(one)) for one in LOCAL_NETWORKS]
    permitted += [_constraint(name) for name in names if not _is_local(name)]
    made = (
        _builder(subject, subject, key)
        .not_valid_before(now - timedelta(days=BACK_DAYS))
        .not_valid_after(now + timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write_key(folder / AUTHORITY_KEY, key)
    replace_atomically(folder / AUTHORITY, made.public_bytes(Encoding.PEM))


def _sign(folder: Path, authority: x509.Certificate, names: Sequence[Certified], now: datetime) -> datetime:
    """Write a new key and certificate of the console; return when it ends."""
    signer = load_pem_private_key((folder / AUTHORITY_KEY).read_bytes(), None)
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{folder / AUTHORITY_KEY} holds no key of an elliptic curve")  # noqa: TRY004 - the file is wrong
    key, ends = ec.generate_private_key(ec.SECP256R1()), now + timedelta(days=CERTIFICATE_DAYS - BACK_DAYS)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, str(names[0].value)[:64])])
    made = (
        _builder(authority.subject, subject, key)
        .not_valid_before(now - timedelta(days=BACK_DAYS))
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    _write_key(folder / KEY, key)
    replace_atomically(folder / CERTIFICATE, made.public_bytes(Encoding.PEM))
    return ends


def _builder(issuer: x509.Name, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().issuer_name(issuer).subject_name(subject).public_key(key.public_key())
    return builder.serial_number(x509.random_serial_number())


def _may_sign(authority: x509.Certificate, name: Certified) -> bool:
    permitted = authority.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    if isinstance(name, x509.IPAddress):
        networks = [ipaddress.ip_network(one.value) for one in permitted if isinstance(one, x509.IPAddress)]
        return any(ipaddress.ip_address(str(name.value)) in network for network in networks)
    suffixes = [one.value for one in permitted if isinstance(one, x509.DNSName)]
    return any(name.value == one or name.value.endswith(f".{one}") for one in suffixes)


def _is_local(name: Certified) -> bool:
    if isinstance(name, x509.IPAddress):
        return any(ipaddress.ip_address(str(name.value)) in ipaddress.ip_network(one) for one in LOCAL_NETWORKS)
    return any(name.value == one or name.value.endswith(f".{one}") for one in LOCAL_NAMES)


def _constraint(name: Certified) -> x509.GeneralName:
    return name if isinstance(name, x509.DNSName) else x509.IPAddress(ipaddress.ip_network(str(name.value)))


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    replace_atomically(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
