"""zhinst-timing-models is the judge of latencies."""

import pytest
from zhinst.timing_models import (
    FeedbackPath,
    HDAWGChannelModel,
    PQSCMode,
    QAChannelOutModel,
    QAType,
    QCCSFeedbackModel,
    SGChannelModel,
    SGType,
    TriggerSource,
    get_feedback_system_description,
)

from podium.firmware_interfaces.zurich.latency import (
    OUTPUT_ROUTER_SAMPLES,
    OUTPUT_SAMPLES,
    Output,
    Route,
    TooShort,
    feedback_cycles,
)

INTERNAL = {"feedback_path": FeedbackPath.INTERNAL, "analyzer_type": QAType.SHFQC}
ROUTES = {
    Route.HDAWG_REGISTER: {"generator_type": SGType.HDAWG, "pqsc_mode": PQSCMode.REGISTER_FORWARD},
    Route.HDAWG_DECODER: {"generator_type": SGType.HDAWG, "pqsc_mode": PQSCMode.DECODER},
    Route.SG_REGISTER: {"generator_type": SGType.SHFSG, "pqsc_mode": PQSCMode.REGISTER_FORWARD},
    Route.SG_DECODER: {"generator_type": SGType.SHFQC, "pqsc_mode": PQSCMode.DECODER},
    Route.INTERNAL_ZSYNC: {"generator_type": SGType.SHFQC, **INTERNAL},
    Route.INTERNAL: {
        "generator_type": SGType.SHFQC,
        "trigger_source": TriggerSource.INTERNAL,
        **INTERNAL,
    },
}


@pytest.mark.parametrize("automatic", [True, False])
@pytest.mark.parametrize("route", Route, ids=lambda route: route.name)
def test_results_take_as_long_as_in_the_vendors_model(route, automatic):
    given = {"analyzer_type": QAType.SHFQA} | ROUTES[route]
    model = QCCSFeedbackModel(
        get_feedback_system_description(**given, automatic_triggerdelays=automatic)
    )
    for samples in [*range(20, 480), *range(483, 5000, 97)]:
        ours = feedback_cycles(route, samples, automatic_delays=automatic)
        assert ours == model.get_latency(samples), samples
    with pytest.raises(TooShort, match="19 samples"):
        feedback_cycles(route, 19)


def test_triggers_take_as_long_to_outputs():
    models = {"SG": SGChannelModel(), "QA": QAChannelOutModel()}
    for (output, zsync), samples in OUTPUT_SAMPLES.items():
        if output is Output.HDAWG:
            assert samples == HDAWGChannelModel().get_latency()
            continue
        family, path = output.name.split("_")
        trigger = TriggerSource.ZSYNC if zsync else TriggerSource.INTERNAL
        assert samples == models[family].get_latency(rflfpath=path.lower(), trigger=trigger)
    routed = SGChannelModel().get_latency(outputrouter_enable=1)
    assert routed == OUTPUT_SAMPLES[Output.SG_RF, True] + OUTPUT_ROUTER_SAMPLES
