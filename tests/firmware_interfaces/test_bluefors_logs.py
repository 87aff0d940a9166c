from podium.firmware_interfaces import bluefors_logs as logs
from podium.firmware_interfaces.bluefors_logs import Line

AT_S = 1_746_574_201  # 2025-05-06 23:30:01 UTC


def test_a_published_status_line_is_written_so() -> None:
    line = logs.status_line(AT_S, {"cparun": 1.0, "cpatempwi": 20.235, "tc400actualspd": 820.0})
    assert line == Line(
        "25-05-06/Status_25-05-06.log",
        "06-05-25,23:30:01,cparun,1.000000e+00,cpatempwi,2.023500e+01,tc400actualspd,8.200000e+02"
        "\r\n",
    )


def test_readings_have_date_time_and_value() -> None:
    assert logs.temperature_line(AT_S, 6, 7.14e-3) == Line(
        "25-05-06/CH6 T 25-05-06.log", "06-05-25,23:30:01,7.140000e-03\r\n"
    )
    assert logs.flow_line(AT_S, 0.64).text == "06-05-25,23:30:01,0.640000\r\n"


def test_gauges_have_six_columns_each_and_a_comma_at_the_end() -> None:
    line = logs.pressure_line(AT_S, [2e-2, None])
    fields = line.text.removesuffix("\r\n").split(",")
    assert (line.path, len(fields)) == ("25-05-06/maxigauge 25-05-06.log", 2 + 2 * 6 + 1)
    assert fields[2:8] == ["CH1", " " * 8, "1", "2.00E-02", "0", "1"]
    assert (fields[10], fields[12], fields[-1]) == ("0", "5", "")


def test_switches_are_pairs_of_name_and_number() -> None:
    line = logs.channels_line(AT_S, {"v1": True, "turbo1": False})
    assert line.text == "06-05-25,23:30:01,1,v1,1,turbo1,0\r\n"
