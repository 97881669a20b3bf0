"""What a transcript says about values: the variables in what it sends, and the matchers in
what it expects. README.md, "Values", is the specification."""

import base64
import copy
import re


class Mismatch(Exception):
    """An answer is not as expected. path leads to the value at fault."""

    def __init__(self, path, why):
        super().__init__(f"{path or 'the value'}: {why}")
        #: How deep in the value the fault is.
        self.depth = path.count(".") + path.count("[")


class Malformed(Exception):
    """The transcript itself is at fault."""


_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def fill(value, variables):
    """A copy of a value to send, with its variables and $ objects replaced."""
    if isinstance(value, str):
        return _fill_text(value, variables)
    if isinstance(value, list):
        return [fill(item, variables) for item in value]
    if not isinstance(value, dict):
        return value
    if "$repeat" in value:
        text, times = value["$repeat"]
        return fill(text, variables) * times
    if "$add" in value:
        return sum(fill(value["$add"], variables))
    if "$merge" in value:
        merged = {}
        for part in value["$merge"]:
            merged.update(fill(part, variables))
        return merged
    return {name: fill(item, variables) for name, item in value.items()}


def _fill_text(text, variables):
    whole = _VARIABLE.fullmatch(text)
    if whole:  # keeps the type of the value
        return copy.deepcopy(_lookup(whole.group(1), variables))
    return _VARIABLE.sub(lambda found: str(_lookup(found.group(1), variables)), text)


def _lookup(name, variables):
    if name not in variables:
        raise Malformed(f"there is no variable {name}")
    return variables[name]


def _is_integer(value):
    return isinstance(value, int) and not isinstance(value, bool)


def _is_base64(value):
    try:
        return isinstance(value, str) and base64.b64encode(base64.b64decode(value, validate=True)).decode() == value
    except ValueError:
        return False


def _is_text(pattern):
    compiled = re.compile(pattern)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


#: The kinds of $is.
KINDS = {
    "any": lambda value: True,
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": _is_integer,
    "number": lambda value: _is_integer(value) or isinstance(value, float),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "text": lambda value: isinstance(value, str) and value != "",
    "base64": _is_base64,
    "public_key": _is_text("0x04[0-9a-f]{128}"),
    "chat_key": _is_text("zQ3sh[1-9A-HJ-NP-Za-km-z]{44}"),
    "id": _is_text("0x[0-9a-f]{64}"),
    # ms since 1970, of this century: not seconds, not microseconds
    "time": lambda value: _is_integer(value) and 946684800000 <= value < 4102444800000,
}


def match(expected, actual, variables, path=""):
    """Raises Mismatch unless actual is as expected. Captures go into variables."""
    if isinstance(expected, dict):
        if any(name.startswith("$") for name in expected):
            _operators(expected, actual, variables, path)
        else:
            _object(expected, actual, variables, path)
    elif isinstance(expected, list):
        if not isinstance(actual, list) or len(actual) != len(expected):
            raise Mismatch(path, f"expected an array of {len(expected)}, got {show(actual)}")
        for n, item in enumerate(expected):
            match(item, actual[n], variables, f"{path}[{n}]")
    else:
        _same(fill(expected, variables), actual, path)


def _object(expected, actual, variables, path):
    """Fields that are not named may be there: later versions add some."""
    if not isinstance(actual, dict):
        raise Mismatch(path, f"expected an object, got {show(actual)}")
    for name, item in expected.items():
        at = f"{path}.{name}" if path else name
        if isinstance(item, dict) and "$absent" in item:
            if name in actual:
                raise Mismatch(at, f"expected no such field, got {show(actual[name])}")
        elif isinstance(item, dict) and "$none" in item:
            if actual.get(name, []) != []:
                raise Mismatch(at, f"expected nothing or an empty array, got {show(actual[name])}")
        elif name not in actual:
            raise Mismatch(at, "the field is missing")
        else:
            match(item, actual[name], variables, at)


def _same(expected, actual, path):
    """1, 1.0 and true are three values: a binding must not turn one into another."""
    if type(expected) is not type(actual) or (not isinstance(expected, (dict, list)) and expected != actual):
        raise Mismatch(path, f"expected {show(expected)}, got {show(actual)}")
    if isinstance(expected, list):
        if len(expected) != len(actual):
            raise Mismatch(path, f"expected an array of {len(expected)}, got {show(actual)}")
        for n, item in enumerate(expected):
            _same(item, actual[n], f"{path}[{n}]")
    if isinstance(expected, dict):
        if set(expected) != set(actual):
            raise Mismatch(path, f"expected the fields {sorted(expected)}, got {sorted(actual)}")
        for name, item in expected.items():
            _same(item, actual[name], f"{path}.{name}" if path else name)


def _operators(expected, actual, variables, path):
    for operator, operand in expected.items():
        if operator not in _OPERATORS:
            raise Malformed(f"{path}: there is no matcher {operator}")
        _OPERATORS[operator](operand, actual, variables, path)


def _is(operand, actual, variables, path):
    kinds = operand if isinstance(operand, list) else [operand]
    for kind in kinds:
        if kind not in KINDS:
            raise Malformed(f"{path}: there is no kind {kind}")
    if not any(KINDS[kind](actual) for kind in kinds):
        raise Mismatch(path, f"expected {' or '.join(kinds)}, got {show(actual)}")


def _save(operand, actual, variables, path):
    variables[operand] = copy.deepcopy(actual)


def _exactly(operand, actual, variables, path):
    if not isinstance(actual, dict) or set(actual) != set(operand):
        raise Mismatch(path, f"expected exactly the fields {sorted(operand)}, got {show(actual)}")
    _object(operand, actual, variables, path)


def _equals(operand, actual, variables, path):
    _same(fill(operand, variables), actual, path)


def _matches(operand, actual, variables, path):
    if not isinstance(actual, str) or re.search(operand, actual) is None:
        raise Mismatch(path, f"expected a text with {operand!r} in it, got {show(actual)}")


def _not(operand, actual, variables, path):
    try:
        match(operand, actual, dict(variables), path)
    except Mismatch:
        return
    raise Mismatch(path, f"expected anything but {show(operand)}, got {show(actual)}")


def _one_of(operand, actual, variables, path):
    for choice in operand:
        try:
            return match(choice, actual, variables, path)
        except Mismatch:
            continue
    raise Mismatch(path, f"expected one of {show(operand)}, got {show(actual)}")


def _contains(operand, actual, variables, path):
    if not isinstance(actual, list):
        raise Mismatch(path, f"expected an array, got {show(actual)}")
    for item in operand:
        for candidate in actual:
            try:
                match(item, candidate, variables, path)
                break
            except Mismatch:
                continue
        else:
            raise Mismatch(path, f"no item is {show(item)} in {show(actual)}")


def _length(operand, actual, variables, path):
    if not isinstance(actual, (list, str)) or len(actual) != fill(operand, variables):
        raise Mismatch(path, f"expected a length of {operand}, got {show(actual)}")


def _greater(operand, actual, variables, path):
    bound = fill(operand, variables)
    if not _is_integer(actual) or actual <= bound:
        raise Mismatch(path, f"expected an integer above {bound}, got {show(actual)}")


_OPERATORS = {
    "$is": _is,
    "$save": _save,
    "$exactly": _exactly,
    "$equals": _equals,
    "$repeat": lambda operand, actual, variables, path: _same(fill({"$repeat": operand}, variables), actual, path),
    "$add": lambda operand, actual, variables, path: _same(fill({"$add": operand}, variables), actual, path),
    "$matches": _matches,
    "$not": _not,
    "$one_of": _one_of,
    "$contains": _contains,
    "$length": _length,
    "$greater": _greater,
}

#: How much of a value a report shows.
SHOWN = 300


def show(value):
    """A value as a report shows it."""
    text = ascii(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."
