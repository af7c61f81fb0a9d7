"""Broken photos, bombs and clients that keep a service waiting: an answer each, and no harm."""

import contextlib
import http.client
import io
import re
import resource
import socket
import time
import zipfile
import zlib

import numpy as np
import pytest

from tests.folders import wait_for
from tests.samples import JPEG, png_claiming
from tests.serve.serving import encode, head, read_all, serving

STALL_S = 3.0
MOST_BYTES = 1_000_000


@pytest.fixture(scope="module")
def strict(tiny):
    """A service with little patience, for small photos."""
    with serving(
        tiny, stall_seconds=STALL_S, max_megabytes=MOST_BYTES / 1e6, max_megapixels=1, queue=4
    ) as served:
        yield served


@pytest.fixture(autouse=True)
def no_harm(strict, person):
    """Whatever a test did, the service is idle afterwards, and does its work."""
    yield
    assert strict.post("/v1/mask", person).status_code == 200
    desk = strict.service.desk
    wait_for(lambda: desk.in_flight == desk.waiting == 0)
    wait_for(lambda: not strict.server.server_state.tasks)
    assert strict.service.intake.room == 8 * MOST_BYTES


def deflated_bomb():
    """A PNG of 60,000 x 60,000 whose pixels are a megabyte of deflated zeros or so."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(600)) + packer.flush()
    png = png_claiming(60_000, 60_000)[:33]
    return png + len(packed).to_bytes(4, "big") + b"IDAT" + packed + bytes(4)


def zip_bomb():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(50 << 20))
    return buffer.getvalue()


BROKEN = {
    "empty": (b"", 400), "text": (b"hello", 415), "a zip bomb": (zip_bomb(), 415),
    "a page": (b"<!doctype html><script>alert(1)</script>", 415), "one byte": (b"\xff", 415),
    "a bomb": (deflated_bomb(), 413), "a claim": (png_claiming(60_000, 60_000), 413),
    "a long side": (png_claiming(70_000, 1), 413), "no pixel": (png_claiming(0, 5), 415),
    "a truncated photo": (JPEG[: len(JPEG) // 2], 422), "a head": (JPEG[:64], 422),
    "an MP4 video": (b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41", 415),
    "a WebM video": (b"\x1aE\xdf\xa3\x9fB\x86\x81\1B\xf7\x81\1B\xf2\x81\4", 415),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_photo_is_a_problem(strict, name):
    data, status = BROKEN[name]
    for path in ("/v1/cartoon", "/v1/photos", "/api/remove"):
        plain = strict.post(path, data)
        form = strict.client.post(path, files={"file": ("me.png", data)})
        for answer in (plain, form):
            assert answer.status_code == status
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["detail"]


def test_an_oversized_body_is_refused_by_its_length_before_it_is_read(strict):
    with strict.connect() as connection:
        connection.sendall(head("/v1/cartoon", f"Content-Length: {MOST_BYTES + 1}"))
        assert connection.recv(12) == b"HTTP/1.1 413"


def test_an_oversized_body_is_refused_while_it_is_read(strict):
    def endless():
        yield JPEG
        for _ in range(100):
            yield bytes(MOST_BYTES // 50)

    answer = strict.client.post("/v1/cartoon", content=endless())
    assert answer.status_code == 413


def test_chunks_without_end_are_cut_off(strict):
    with strict.connect() as connection:
        connection.sendall(head("/v1/cartoon", "Transfer-Encoding: chunked"))
        chunk = JPEG[:1000].ljust(10_000, b"\0")
        give_up = time.monotonic() + 60
        with contextlib.suppress(ConnectionError):
            while time.monotonic() < give_up:
                connection.sendall(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            pytest.fail("all was taken for a minute")


def test_a_body_that_is_shorter_than_its_length_is_not_waited_for(strict, person):
    with strict.connect() as connection:
        connection.sendall(head("/v1/cartoon", f"Content-Length: {len(person) + 1}") + person)
        assert read_all(connection).startswith(b"HTTP/1.1 408")


def test_what_follows_a_body_that_is_longer_than_its_length_is_another_request(strict, person):
    with strict.connect() as connection:
        lying = head("/v1/cartoon", f"Content-Length: {len(person)}")
        connection.sendall(lying + person + b"nonsense\r\n\r\n")
        answers = read_all(connection)
    assert answers.startswith(b"HTTP/1.1 200")
    assert b"HTTP/1.1 400" in answers
    assert b"urn:cartoonify:http" in answers


def test_two_lengths_are_no_request(strict, person):
    with strict.connect() as connection:
        connection.sendall(
            head("/v1/cartoon", "Content-Length: 5", "Content-Length: 6", "Connection: close")
        )
        assert read_all(connection).startswith(b"HTTP/1.1 400")


def test_a_form_of_thousands_of_parts_is_refused(strict):
    part = b'--b\r\nContent-Disposition: form-data; name="%d"\r\n\r\n1\r\n'
    body = b"".join(part % number for number in range(10_000)) + b"--b--\r\n"
    answer = strict.post(
        "/v1/cartoon", body, headers={"Content-Type": "multipart/form-data; boundary=b"}
    )
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "body",
    [b"", b"--b\r\n\r\n\r\n--b--\r\n", b"--b", b"--b\r\nContent-Disposition: form-data\r\n\r\n",
     b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n' + JPEG[:99],
     b"--b\r\n" + b"x: y\r\n" * 20_000, b"--b\r\n" + b"x" * 100_000, b"\r\n" * 9999],
)  # fmt: skip
def test_a_broken_form_is_a_problem(strict, body):
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    assert strict.post("/v1/cartoon", body, headers=kind).status_code == 400


def test_a_form_with_long_texts_is_refused(strict, person):
    answer = strict.client.post(
        "/v1/cartoon", files={"file": person}, data={"palette": "x" * 100_000}
    )
    assert answer.status_code == 413
    with strict.connect() as connection, contextlib.suppress(ConnectionError):
        connection.sendall(head(f"/v1/cartoon?name={'x' * 70_000}"))
        assert read_all(connection)[:12] in (b"HTTP/1.1 400", b"")


def test_a_compressed_body_is_not_unpacked(strict, person):
    answer = strict.post("/v1/cartoon", zlib.compress(person), headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415


def test_a_head_that_comes_by_drops_is_cut_off(strict):
    with strict.connect() as connection, contextlib.suppress(ConnectionError):
        connection.settimeout(0.1)
        for letter in b"POST /v1/cartoon HTTP/1.1\r\nX: " + b"x" * 1000:
            connection.sendall(bytes([letter]))
            with contextlib.suppress(TimeoutError):
                if not connection.recv(1):
                    return
        pytest.fail("a minute was given to it")


def test_a_body_that_comes_by_drops_is_cut_off(strict):
    with strict.connect() as connection:
        connection.sendall(head("/v1/cartoon", "Content-Length: 100000") + JPEG[:100])
        connection.settimeout(0.1)
        got = b""
        with contextlib.suppress(ConnectionError):
            for letter in bytes(600):
                connection.sendall(bytes([letter]))
                with contextlib.suppress(TimeoutError):
                    got = got or connection.recv(1 << 16)
                if got:
                    break
    assert got.startswith(b"HTTP/1.1 408")


def test_a_reader_that_takes_nothing_is_cut_off(strict):
    noise = np.random.default_rng(0).integers(0, 256, (900, 1000, 3), np.uint8)
    photo = encode(noise, "jpeg", quality=30)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", strict.port))
        path = "/v1/cartoon?background=none&save=compare,cutout"
        connection.sendall(head(path, f"Content-Length: {len(photo)}") + photo)
        done = 'requests_total{method="POST",route="/v1/cartoon",status="200"}'
        before = strict.measure(done)
        wait_for(lambda: strict.measure(done) > before)
        wait_for(lambda: not strict.server.server_state.connections)
        got = read_all(connection)
    promised = int(re.search(rb"content-length: (\d+)", got)[1])
    assert len(got) < promised


def test_a_client_that_ends_its_side_is_taken_as_gone(strict, person):
    with strict.connect() as connection:
        connection.sendall(head("/v1/cartoon", f"Content-Length: {len(person)}") + person[:50])
        connection.shutdown(socket.SHUT_WR)
        assert read_all(connection) == b""


def test_500_idle_connections_do_not_keep_others_out(strict, person):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2048:
        pytest.skip("this machine allows too few open files for both sides")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
    try:
        with contextlib.ExitStack() as stack:
            for _ in range(520):
                stack.enter_context(strict.connect())
            assert strict.post("/v1/cartoon", person).status_code == 200
            wait_for(lambda: not strict.server.server_state.connections)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_what_is_not_http_is_answered_and_cut_off(strict):
    for nonsense in (b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"A" * 200_000):
        with strict.connect() as connection:
            with contextlib.suppress(ConnectionError):
                connection.sendall(nonsense)
            assert read_all(connection)[:12] in (b"HTTP/1.1 400", b"")


def test_the_same_connection_is_used_again_after_a_refusal(strict, person):
    connection = http.client.HTTPConnection("127.0.0.1", strict.port, timeout=60)
    with contextlib.closing(connection):
        connection.connect()
        first = connection.sock
        for data, status in ((b"hello" * 20, 415), (person, 200)):
            connection.request("POST", "/v1/mask", data)
            answer = connection.getresponse()
            answer.read()
            assert (answer.status, connection.sock) == (status, first)


def test_nothing_of_all_this_was_taken_for_a_bug(strict):
    assert strict.measure('refusals_total{reason="bug"}') == 0
