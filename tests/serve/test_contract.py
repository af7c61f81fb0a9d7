"""The service keeps what its OpenAPI document promises, whatever schemathesis sends."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from engine.serve import create_app

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

checks = pytest.importorskip("schemathesis.specs.openapi.checks")
MODES = schemathesis.GenerationMode
CHECKS = [
    schemathesis.checks.not_a_server_error, checks.content_type_conformance,
    checks.negative_data_rejection,
    checks.response_schema_conformance, checks.status_code_conformance, checks.unsupported_method,
]  # fmt: skip
SCHEMA = schemathesis.openapi.from_dict(create_app().openapi())
OPERATIONS = {result.ok().label: result.ok() for result in SCHEMA.get_all_operations()}


@pytest.mark.parametrize("label", OPERATIONS)
def test_whatever_is_sent_is_answered_as_promised(served, label):
    cases = st.one_of(*(OPERATIONS[label].as_strategy(mode) for mode in MODES))

    @given(case=cases)
    @settings(
        max_examples=12, derandomize=True, database=None, deadline=None,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate],
    )  # fmt: skip
    def check(case):
        case.call_and_validate(served.url, checks=CHECKS)

    check()


def test_every_route_is_described_with_what_it_may_answer(served):
    paths = served.get("/openapi.json").json()["paths"]
    for path in ("/v1/cartoon", "/v1/photos/{key}/mask", "/v1/photos", "/api/remove"):
        responses = paths[path]["post"]["responses"]
        assert {"400", "413", "415", "422", "429", "503", "504"} <= responses.keys()
    options = {parameter["name"] for parameter in paths["/v1/cartoon"]["post"]["parameters"]}
    assert {"style", "lines", "background", "save"} <= options


def test_examples_of_the_document_are_understood(served, person):
    described = served.get("/openapi.json").json()["paths"]["/v1/cartoon"]["post"]["parameters"]
    for parameter in described:
        schema = parameter["schema"]
        for value in [schema[key] for key in ("example", "default") if key in schema]:
            text = str(value).lower() if isinstance(value, bool) else value
            answer = served.post("/v1/cartoon", person, params={parameter["name"]: text})
            assert answer.status_code == 200, parameter["name"]
