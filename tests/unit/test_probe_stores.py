"""Looks at stores that speak the real protocols, by the libraries that the product uses: S3, Google, Azure."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import fsspec
import pytest
import requests
from azure.storage.blob import BlobServiceClient

from evidence.probes import objects, storage
from evidence.probes.contract import CannotLook, Look, Obstacle, Permits, Seen
from luota.lib import clock
from tests.factories import stores

LOOPBACK = Permits(networks=("127.0.0.0/8",))
OLD, NEW = b"PGDMP of yesterday", b"PGDMP of today!"
AZURE_KEY = base64.b64encode(b"k" * 64).decode()
Looks = Callable[[str], Seen]
WHERE = "dumps/db"


def look_at(url: str, secret: dict[str, str] | None = None, permits: Permits = LOOPBACK) -> Seen:
    words = json.dumps(secret) if secret else ""
    asked = Look(target={"url": url}, permits=permits, now=clock.now(), secret=words)
    return objects.look(asked)


def keep_two(put: Callable[[str, bytes], Any]) -> None:
    """The older one first; stores date to the second."""
    put("db/app-1.dump", OLD)
    put("db/deeper/app-9.dump", b"not meant")
    time.sleep(1.1)
    put("db/app-2.dump", NEW)
    put("db/notes.txt", b"")


@pytest.fixture(scope="module")
def s3() -> Iterator[dict[str, str]]:
    """A secret that opens it."""
    with stores.s3() as url:
        secret = {"endpoint": url, "region": "us-east-1", **_allowed_user(url)}
        client = boto3.client(
            "s3", endpoint_url=url, region_name="us-east-1",
            aws_access_key_id=secret["key"], aws_secret_access_key=secret["secret"],
        )  # fmt: skip
        client.create_bucket(Bucket="dumps")
        keep_two(lambda key, body: client.put_object(Bucket="dumps", Key=key, Body=body))
        for number in range(60):  # more than one page of a listing
            client.put_object(Bucket="dumps", Key=f"many/{number:02}", Body=b"x")
        requests.post(f"{url}/moto-api/reset-auth", data=b"0", timeout=5)  # from now on it checks
        yield secret


def _allowed_user(url: str) -> dict[str, str]:
    words = {"endpoint_url": url, "region_name": "us-east-1"}
    keys = {"aws_access_key_id": "root", "aws_secret_access_key": "root"}
    iam = boto3.client("iam", **words, **keys)
    iam.create_user(UserName="luota")
    all_of_s3 = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [all_of_s3]})
    iam.put_user_policy(UserName="luota", PolicyName="s3", PolicyDocument=policy)
    made = iam.create_access_key(UserName="luota")["AccessKey"]
    return {"key": made["AccessKeyId"], "secret": made["SecretAccessKey"]}


@pytest.fixture(scope="module")
def gcs() -> Iterator[str]:
    with stores.gcs() as url:
        store = fsspec.filesystem("gs", endpoint_url=url, token="anon", project="test")
        store.mkdir("dumps")
        keep_two(lambda name, body: store.pipe_file(f"dumps/{name}", body))
        yield url


@pytest.fixture(scope="module")
def azure() -> Iterator[str]:
    server = stores.azure()
    if server is None:
        pytest.skip("the server of Azure's protocol comes by npm, which is missing or could not")
    with server as url:
        client = BlobServiceClient.from_connection_string(_connection(url, _AZURITE_KEY))
        client.create_container("dumps")
        keep_two(lambda name, body: client.get_blob_client("dumps", name).upload_blob(body))
        client.close()
        yield url


_AZURITE_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)


def _connection(url: str, key: str) -> str:
    account = stores.AZURE_ACCOUNT
    return (
        f"DefaultEndpointsProtocol=http;AccountName={account};AccountKey={key};"
        f"BlobEndpoint={url}/{account};"
    )


@pytest.fixture
def looks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Looks:
    """Looks into `dumps` of the store that the test names; what it opens is the product's own choice."""
    scheme = request.param
    if scheme == "s3":
        secret = request.getfixturevalue("s3")
        return lambda path: look_at(f"s3://{path}", secret)
    if scheme == "gs":
        redirect(monkeypatch, endpoint_url=request.getfixturevalue("gcs"))
        return lambda path: look_at(f"gs://{path}")
    url = request.getfixturevalue("azure")
    redirect_azure(monkeypatch, url)
    account = {"account_name": stores.AZURE_ACCOUNT, "account_key": _AZURITE_KEY}
    return lambda path: look_at(f"az://{path}", account)


def redirect(monkeypatch: pytest.MonkeyPatch, **more: Any) -> None:
    """To the emulator: the real addresses of these stores cannot be chosen by a secret."""
    plain = fsspec.filesystem
    monkeypatch.setattr(
        fsspec, "filesystem", lambda scheme, **words: plain(scheme, **words, **more)
    )


def redirect_azure(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    plain = fsspec.filesystem

    def opened(scheme: str, *, connection_string: str, **words: Any) -> Any:
        endpoint, account, key = connection_string.split(";")
        assert endpoint == f"BlobEndpoint=https://{stores.AZURE_ACCOUNT}.blob.core.windows.net"
        assert account == f"AccountName={stores.AZURE_ACCOUNT}"
        given = _connection(url, key.removeprefix("AccountKey="))
        return plain(scheme, connection_string=given, **words)

    monkeypatch.setattr(fsspec, "filesystem", opened)


every_store = pytest.mark.parametrize("looks", ["s3", "gs", "az"], indirect=True)


@every_store
def test_an_object_is_seen_with_its_size_its_age_and_its_beginning(looks: Looks) -> None:
    seen = looks(f"{WHERE}/app-1.dump")
    payload = seen.payload
    assert (payload["exists"], payload["name"], payload["size"]) == (True, "app-1.dump", len(OLD))
    assert payload["head"]["text"] == OLD.decode()
    assert payload["etag"]
    assert seen.ids == {"object": f"{WHERE}/app-1.dump"}
    assert seen.fresh_as_of is not None
    assert abs((clock.now() - seen.fresh_as_of).total_seconds()) < 120


@every_store
@pytest.mark.parametrize("path", ["app-*.dump", "app-[0-9].dump"])
def test_of_many_the_newest_is_seen_and_none_of_a_deeper_folder(looks: Looks, path: str) -> None:
    payload = looks(f"{WHERE}/{path}").payload
    assert (payload["name"], payload["count"]) == ("app-2.dump", 2)
    assert payload["head"]["text"] == NEW.decode()


@every_store
def test_a_whole_folder_is_looked_at(looks: Looks) -> None:
    assert looks(f"{WHERE}/").payload["count"] == 3


@every_store
@pytest.mark.parametrize("path", ["db/nothing.dump", "db/x-*.dump", "nowhere/"])
def test_that_nothing_is_there_was_seen(looks: Looks, path: str) -> None:
    seen = looks(f"dumps/{path}")
    assert (seen.payload, seen.fresh_as_of) == ({"exists": False, "count": 0}, None)


@every_store
@pytest.mark.parametrize("path", ["db/app-1.dump", "db/app-*.dump"])
def test_a_bucket_that_is_not_there_is_a_fault_and_no_absence(looks: Looks, path: str) -> None:
    with pytest.raises(CannotLook, match="no `elsewhere`") as told:
        looks(f"elsewhere/{path}")
    assert told.value.obstacle is Obstacle.PLACE


@pytest.mark.parametrize("path", ["db/app-1.dump", "db/app-*.dump", "db/nothing"])
def test_s3_does_not_let_a_wrong_key_in(s3: dict[str, str], path: str) -> None:
    for wrong in ({"secret": "wrong"}, {"key": "AKIAUNKNOWN"}):
        with pytest.raises(CannotLook) as told:
            look_at(f"s3://dumps/{path}", s3 | wrong)
        assert told.value.obstacle is Obstacle.AUTH


def test_azure_does_not_let_a_wrong_key_in(azure: str, monkeypatch: pytest.MonkeyPatch) -> None:
    redirect_azure(monkeypatch, azure)
    account = {"account_name": stores.AZURE_ACCOUNT, "account_key": AZURE_KEY}
    with pytest.raises(CannotLook) as told:
        look_at(f"az://{WHERE}/app-1.dump", account)
    assert told.value.obstacle is Obstacle.AUTH


@pytest.mark.parametrize("path", ["db/app-1.dump", "db/*"])
def test_of_azure_is_told_what_is_wrong_and_no_time_out(
    monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    redirect_azure(monkeypatch, "http://nowhere.invalid")
    account = {"account_name": stores.AZURE_ACCOUNT, "account_key": AZURE_KEY}
    with pytest.raises(CannotLook) as told:
        look_at(f"az://dumps/{path}", account)
    assert told.value.obstacle is Obstacle.NAME


def test_a_listing_of_several_pages_is_read_whole_or_not_at_all(
    s3: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert look_at("s3://dumps/many/*", s3).payload["count"] == 60
    monkeypatch.setattr(objects, "MOST_LISTED", 59)
    with pytest.raises(CannotLook, match="More than 59") as told:
        look_at("s3://dumps/many/*", s3)
    assert told.value.obstacle is Obstacle.ANSWER


def test_an_endpoint_is_checked_again_when_it_is_connected_to(
    s3: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name server gives a public address first, the loopback one to the store's library."""
    monkeypatch.setattr(storage, "_checked", lambda endpoint, _permits: endpoint)
    rebound = s3 | {"endpoint": s3["endpoint"].replace("127.0.0.1", "localhost")}
    with pytest.raises(CannotLook) as told:
        look_at(f"s3://{WHERE}/app-1.dump", rebound, Permits())
    assert told.value.obstacle is Obstacle.REFUSED


def test_an_endpoint_that_never_answers_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evidence.probes.reach.LOOK_SECONDS", 1.0)
    with stores.silent() as url:
        began = time.monotonic()
        with pytest.raises(CannotLook, match="No whole answer within 1 s") as told:
            look_at("s3://dumps/x", {"endpoint": url, "key": "k", "secret": "s"})
    assert told.value.obstacle is Obstacle.TIMEOUT
    assert time.monotonic() - began < 8
