"""`signing_binance`: payloads and signatures, byte for byte."""

from __future__ import annotations

from kedge.model.secret import Secret
from kedge.venues.binance.protocol.signing import percent_encoded, query, rest_payload, signer, ws_payload
from tests.venue_vectors.runner import Case


def signing(case: Case) -> None:
    data = case.data
    secret = data.get("secret") or data["private_key_pem"]
    payload = data["payload"]
    if data["transport"] == "rest" and data.get("query_string") is not None:
        built = rest_payload(data["query_string"], data.get("body") or "")
        assert built == payload.encode(), built
        for name, value in (data.get("decoded_params") or {}).items():
            assert query({name: value}) in data["query_string"], query({name: value})
    if data.get("params"):
        params = {name: value for name, value in data["params"].items() if name != "signature"}
        assert ws_payload(params) == payload.encode(), ws_payload(params)
    signature = signer(Secret(secret)).sign(payload.encode())
    assert signature == data["signature"], signature
    if data.get("signature_percent_encoded"):
        assert percent_encoded(signature) == data["signature_percent_encoded"]
