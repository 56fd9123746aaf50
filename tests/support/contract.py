"""A vendor's OpenAPI file, to check what is asked and answered against."""

import json
from pathlib import Path
from typing import Any

import jsonschema

_FOLDER = Path(__file__).parents[1] / "contracts"


class Contract:
    """name: of the file in tests/contracts, without its endings."""

    def __init__(self, name: str) -> None:
        self._all: dict[str, Any] = json.loads((_FOLDER / f"{name}.openapi.json").read_text())

    def check_answer(self, method: str, path: str, status: int, body: object) -> None:
        """path: as the contract spells it. Raises jsonschema.ValidationError; KeyError for a
        status that the contract does not know."""
        answers = self._all["paths"][path][method.lower()]["responses"]
        self._check(answers[str(status)], body)

    def check_request(self, method: str, path: str, body: object) -> None:
        self._check(self._all["paths"][path][method.lower()]["requestBody"], body)

    def _check(self, said: dict[str, Any], body: object) -> None:
        while "$ref" in said:
            _, _, kind, name = said["$ref"].split("/")
            said = self._all["components"][kind][name]
        schema = said["content"]["application/json"]["schema"]
        whole = {**schema, "components": self._all["components"]}
        jsonschema.Draft202012Validator(whole).validate(body)
