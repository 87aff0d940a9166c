"""The vendor's client against a server of another version, and what it makes of results."""

import numpy as np
import pytest
import zhinst.core
from tests.benches.referees.zurich_alone import RESULTS, SAMPLES
from tests.benches.referees.zurich_laboratory import alone

HERE = zhinst.core.__version__
HOST = "127.0.0.1"


@pytest.fixture(scope="module")
def client():
    with alone(HERE) as port:
        client = zhinst.core.ziDAQServer(HOST, port, 6)
        client.connectDevice("dev12002", "1GbE")
        yield client


def entry(client, path: str):
    whole = f"/dev12002/{path}"
    (found,) = client.get(whole, flat=True, settingsonly=False)[whole]
    return found


def test_a_server_of_another_version_is_refused_by_the_client_unless_it_is_told_not_to():
    with alone("25.10.1.3") as port:
        with pytest.raises(zhinst.core.errors.ConnectionError, match="version"):
            zhinst.core.ziDAQServer(HOST, port, 6)
        told = zhinst.core.ziDAQServer(HOST, port, 6, allow_version_mismatch=True)
        assert told.getString("/zi/about/fullversion") == "25.10.1.3"


def test_results_come_with_what_the_logger_tells_of_them(client):
    found = entry(client, "qachannels/0/readout/result/data/0/wave")
    assert found["vector"].tolist() == RESULTS.tolist()
    told = found["properties"]
    assert (told["sampletimestamp"], told["jobid"], told["repetitionid"]) == (1234, 7, 2)
    assert (told["centerfreq"], told["datasource"], told["numsamples"]) == (5e9, 1, 10)
    assert (told["numaverages"], told["numacquired"], told["scaling"]) == (4, 10, 1.0)
    errors = ("holdofferrorsreslog", "holdofferrorsreadout", "holdofferrorsspectr")
    assert [told[name] for name in errors] == [1, 2, 3]
    found = entry(client, "qachannels/0/readout/result/data/1/wave")
    assert found["vector"].tolist() == RESULTS.real.tolist()


def test_a_scope_record_is_complex_and_scaled(client):
    found = entry(client, "scopes/0/channels/0/wave")
    assert np.allclose(found["vector"], SAMPLES, atol=1e-12)
    told = found["properties"]
    assert (told["sampletimestamp"], told["dt"], told["centerfreq"]) == (1234, 2, 5e9)
    assert (told["triggertimestamp"], told["inputselect"], told["averagecount"]) == (77, 3, 4)
    assert (told["segments"], told["totalsegments"], told["missedtriggers"]) == (1, 1, 6)
